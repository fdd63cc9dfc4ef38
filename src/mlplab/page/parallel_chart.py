"""All keys at once: every group a line across them. Plotly's own such chart is not in its cartesian bundle."""

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from mlplab.page.axis_charts import Ranked, axis_values, log_places
from mlplab.page.charts import LAYOUT, Chart, rounded
from mlplab.page.scales import Scale
from mlplab.page.trials import MOST_TICKS, numbers_of, spans_decades


def parallel_coordinates(ranked: Ranked) -> Chart:
    """Draw every group as a line over all keys, and what ranks at its right end."""
    axes = ranked.ranking.axes
    places = {axis: _places(axis_values(ranked.ranking.ranked, axis)) for axis in axes}
    figure = go.Figure()
    means = [group.summary.mean for group in ranked.ranking.ranked if group.summary]
    inside = [mean for mean in means if ranked.scale.low <= mean <= ranked.scale.high] or [ranked.scale.low]
    scale = Scale(min(inside), max(inside))
    for place, group in enumerate(ranked.ranking.groups):
        if group.summary is None:
            continue
        rank = (scale.clamp(group.summary.mean) - scale.low) / ((scale.high - scale.low) or 1.0)
        figure.add_trace(
            {
                "type": "scatter",
                "name": ranked.palette.names[place],
                "mode": "lines",
                "x": list(range(len(axes) + 1)),
                "y": rounded([*(places[axis][group.values[axis]] for axis in axes), rank]),
                "line": {"width": 2},
                "hovertemplate": f"{group.summary.mean:.4f}<extra>%{{fullData.name}}</extra>",
                "meta": {"group": place},
            }
        )
    for at, axis in enumerate(axes):
        for value, level in _labels(places[axis]).items():
            figure.add_annotation(x=at, y=level, text=escape(value), showarrow=False, xanchor="left", xshift=4)
    for end, number in ((0.0, scale.low), (1.0, scale.high)):
        figure.add_annotation(x=len(axes), y=end, text=f"{number:.3f}", showarrow=False, xanchor="left", xshift=4)
    figure.update_layout(**{**LAYOUT, "margin": {"l": 40, "r": 60, "t": 16, "b": 50}}, height=380)
    figure.update_xaxes(
        tickvals=list(range(len(axes) + 1)), ticktext=[*map(escape, axes), ranked.metric], gridwidth=2, zeroline=False
    )
    figure.update_yaxes(visible=False, range=[-0.06, 1.06])
    title = f"{len(ranked.ranking.ranked)} groups over {len(axes)} keys"
    return Chart("parallel", title, f"parallel coordinates: {title}, and their {ranked.metric}", figure)


def _places(values: Sequence[str]) -> dict[str, float]:
    """Return where the values of a key stand, from 0 to 1: few of them evenly, many numbers by their size."""
    numbers = numbers_of(values)
    if numbers is None or len(values) <= MOST_TICKS:
        return {value: at / max(len(values) - 1, 1) for at, value in enumerate(values)}
    sizes = np.log10(list(log_places(values).values())) if spans_decades(numbers) else np.array(numbers)
    return dict(zip(values, map(float, (sizes - sizes.min()) / np.ptp(sizes)), strict=True))


def _labels(places: dict[str, float]) -> dict[str, float]:
    """Return the values that are written beside the axis, with their places: all, or of many the least and largest."""
    ends = {0.0, 1.0}
    return places if len(places) <= MOST_TICKS else {text: at for text, at in places.items() if at in ends}

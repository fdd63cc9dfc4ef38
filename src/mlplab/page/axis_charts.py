"""What ranks, over the keys that vary: every run as a dot, two keys as a map, a rate on its axis, all keys at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import isnan, log10
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mlplab.colors import color_slots
from mlplab.comparison.ranking import Group, Ranking, natural
from mlplab.comparison.states import finished_of
from mlplab.comparison.tables import SHORT
from mlplab.page.charts import LAYOUT, Chart, list_down, rounded
from mlplab.page.palette import Palette
from mlplab.page.scales import Scale, bounded

MOST_VALUES = 12  # of a rate that have a tick each; of more, as in a search, every run is a dot instead
RATES = ("learning_rate", "weight_decay", "learning_rate_decay")


@dataclass(frozen=True)
class Ranked:
    """What is drawn of a ranking.

    Attributes:
        values: by group's place: the metric of each of its finished runs, by run id.
        scale: the metric's axis.
    """

    ranking: Ranking
    palette: Palette
    values: dict[int, dict[str, float]]
    scale: Scale

    @property
    def metric(self) -> str:
        """The metric's name on an axis."""
        return SHORT.get(self.ranking.metric, self.ranking.metric).replace("acc", "accuracy")


def metric_values(runs: pd.DataFrame, ranking: Ranking) -> dict[int, dict[str, float]]:
    """Return the metric of every finished run, by the group's place and the run's id."""
    column = f"metrics.{ranking.metric}"
    if column not in runs:
        return {}
    finished = finished_of(runs).set_index("run_id")[column].dropna()
    return {
        place: {run_id: float(finished[run_id]) for run_id in group.run_ids if run_id in finished.index}
        for place, group in enumerate(ranking.groups)
        if group.summary is not None
    }


def seed_dots(ranked: Ranked) -> Chart:
    """Draw a dot for every run, the mean of each group and its confidence interval."""
    traces: list[dict[str, Any]] = []
    for place, values in ranked.values.items():
        traces += _dots(ranked, place, list(values.values()))
    figure = go.Figure(traces)
    names = [ranked.palette.names[place] for place in ranked.values]
    figure.update_xaxes(title_text=ranked.metric, range=[ranked.scale.low, ranked.scale.high])
    list_down(figure, names)
    alt = f"{ranked.metric} of every run, and the mean of each of {len(names)} groups with its confidence interval"
    return Chart("seeds", f"{ranked.metric.capitalize()} of every run", alt, figure)


def _dots(ranked: Ranked, place: int, values: Sequence[float]) -> list[dict[str, Any]]:
    name, scale = ranked.palette.names[place], ranked.scale
    group = ranked.ranking.groups[place]
    runs = {
        "type": "scatter",
        "name": name,
        "mode": "markers",
        "x": rounded([scale.clamp(value) for value in values]),
        "y": [name] * len(values),
        "customdata": rounded(values),
        "cliponaxis": False,
        "marker": {"size": 9, "symbol": [scale.symbol(value) for value in values], "opacity": 0.75},
        "hovertemplate": "%{customdata}<extra>%{y}</extra>",
        "meta": {"group": place},
    }
    summary = group.summary
    if summary is None or summary.n < 2 or not scale.low <= summary.mean <= scale.high:
        return [runs]
    width = 0.0 if isnan(summary.half_width) else summary.half_width
    mean = {
        "type": "scatter",
        "name": name,
        "mode": "markers",
        "x": rounded([summary.mean]),
        "y": [name],
        "marker": {"size": 16, "symbol": "line-ns-open", "line": {"width": 3}},
        "error_x": {"type": "data", "array": rounded([width]), "thickness": 2},
        "hovertemplate": f"mean {summary.mean:.4f} ± {width:.4f}<extra>%{{y}}</extra>",
        "meta": {"group": place},
    }
    return [mean, runs]


def with_intervals(scale: Scale, ranking: Ranking) -> Scale:
    """Return the scale, wide enough for the interval of every group whose mean is on it, where there can be values."""
    ends = [scale.low, scale.high]
    for group in ranking.ranked:
        summary = group.summary
        if summary and not isnan(summary.half_width) and scale.low <= summary.mean <= scale.high:
            ends += [summary.mean - summary.half_width, summary.mean + summary.half_width]
    return bounded(ranking.metric, min(ends), max(ends))


def means_over(groups: Sequence[Group], axes: Sequence[str]) -> dict[tuple[str, ...], list[float]]:
    """Return the means of the groups by their values of these keys."""
    cells: dict[tuple[str, ...], list[float]] = {}
    for group in groups:
        if group.summary is not None:
            cells.setdefault(tuple(group.values[axis] for axis in axes), []).append(group.summary.mean)
    return cells


def axis_values(groups: Sequence[Group], axis: str) -> list[str]:
    """Return the values of a key, numbers by size."""
    return sorted({group.values[axis] for group in groups}, key=natural)


def heat_map(ranked: Ranked, down: str, across: str) -> Chart:
    """Draw two keys as a map of means; blue is better, and the colours span the middle 90 % of the cells."""
    ranking = ranked.ranking
    cells = means_over(ranking.ranked, (down, across))
    ys, xs = axis_values(ranking.ranked, down), axis_values(ranking.ranked, across)
    grid = [[float(np.mean(cells[y, x])) if (y, x) in cells else None for x in xs] for y in ys]
    inside = [m for row in grid for m in row if m is not None and ranked.scale.low <= m <= ranked.scale.high]
    low, high = np.quantile(inside, [0.05, 0.95]) if inside else (ranked.scale.low, ranked.scale.high)
    heat = go.Heatmap(
        x=[escape(x) for x in xs],
        y=[escape(y) for y in ys],
        z=[rounded([np.nan if mean is None else mean for mean in row]) for row in grid],
        texttemplate="%{z:.4f}",
        colorscale="Blues",
        reversescale=ranking.ascending,
        zmin=float(low),
        zmax=float(high),
        colorbar={"title": {"text": ranked.metric, "side": "right"}, "thickness": 12},
        hovertemplate=f"{escape(down)} %{{y}}, {escape(across)} %{{x}}: %{{z}}<extra></extra>",
    )
    figure = go.Figure(heat)
    figure.update_xaxes(type="category", title_text=escape(across))
    figure.update_yaxes(type="category", title_text=escape(down), automargin=True, autorange="reversed")
    figure.update_layout(**LAYOUT, height=140 + 44 * len(ys))
    title = f"{ranked.metric.capitalize()} by {down} and {across}"
    return Chart("map", title, f"map of {title}: a cell for each of {len(cells)} combinations", figure)


def sensitivity(ranked: Ranked) -> list[Chart]:
    """Draw what ranks over each rate that varies: on a logarithmic axis, a line for each activation."""
    found = []
    for rate in RATES:
        groups = [group for group in ranked.ranking.ranked if rate in group.values]
        if 2 < len(axis_values(groups, rate)) <= MOST_VALUES:
            found.append(_over_rate(ranked, groups, rate))
    return found


def _over_rate(ranked: Ranked, groups: Sequence[Group], rate: str) -> Chart:
    values = axis_values(groups, rate)
    places = log_places(values)
    by = "activation" if "activation" in groups[0].values and rate != "activation" else ""
    figure = go.Figure()
    lines = axis_values(groups, by) if by else [""]
    slots = dict(zip(lines, color_slots(lines), strict=True))
    for line in lines:
        own = [group for group in groups if not by or group.values[by] == line]
        cells = {value: means for (value,), means in means_over(own, [rate]).items()}
        figure.add_trace(_rate_line(ranked, line, {places[v]: cells[v] for v in values if v in cells}, slots[line]))
    figure.update_layout(**{**LAYOUT, "showlegend": bool(by)}, height=340)
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "itemclick": False})
    figure.update_xaxes(title_text=rate, type="log", tickvals=list(places.values()), ticktext=values)
    figure.update_yaxes(title_text=ranked.metric, range=[ranked.scale.low, ranked.scale.high])
    title = f"{ranked.metric.capitalize()} over {rate}"
    alt = f"{title}, {'a line for each activation' if by else 'one line'}; band: least and largest mean"
    return Chart(f"rate-{rate}", title, alt, figure)


def log_places(values: Sequence[str]) -> dict[str, float]:
    """Return where values stand on a logarithmic axis; 0 has no place there, so it stands left of the least."""
    positive = [float(value) for value in values if float(value) > 0]
    left = 10 ** (log10(min(positive)) - 1) if positive else 1.0
    return {value: float(value) if float(value) > 0 else left for value in values}


def _rate_line(ranked: Ranked, name: str, cells: Mapping[float, Sequence[float]], slot: int | None) -> dict[str, Any]:
    means, scale = [float(np.mean(values)) for values in cells.values()], ranked.scale
    several = any(len(values) > 1 for values in cells.values())
    bands = {
        "low": rounded([scale.clamp(min(values)) for values in cells.values()]),
        "high": rounded([scale.clamp(max(values)) for values in cells.values()]),
    }
    return {
        "type": "scatter",
        "name": escape(name),
        "mode": "lines+markers",
        "x": list(cells),
        "y": rounded([scale.clamp(mean) for mean in means]),
        "customdata": rounded(means),
        "cliponaxis": False,
        "marker": {"size": 9, "symbol": [scale.symbol(mean, "triangle-down", "triangle-up") for mean in means]},
        "hovertemplate": "%{x}: %{customdata}<extra>%{fullData.name}</extra>",
        "meta": {"slot": slot, **(bands if several else {})},
    }

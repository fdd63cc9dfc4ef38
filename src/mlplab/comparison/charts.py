"""Charts of a ranking, to hover over and switch curves on and off: Plotly figures from frames, nothing else.

A group has one colour in all charts. With many groups some are shown at first, the best and the worst among them, and
the others wait in the legend.
"""

from collections.abc import Sequence
from html import escape
from math import isnan
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from markupsafe import Markup
from plotly.colors import qualitative, sample_colorscale
from plotly.subplots import make_subplots

from mlplab.comparison.ranking import Group, Ranking, natural
from mlplab.schema import loss

MOST_SHOWN = 10  # groups at first
MOST_BARS = 40
LAYOUT = {"template": "plotly_white", "margin": {"l": 60, "r": 20, "t": 50, "b": 50}, "hovermode": "closest"}


class Palette:
    """Name and colour of every group, and which of them are shown at first."""

    def __init__(self, names: Sequence[str]) -> None:
        """Give colours out to the groups of these names, best first."""
        count = len(names)
        self.names = [escape(name) for name in names]
        if count <= len(qualitative.D3):
            self.colors = list(qualitative.D3[:count])
        else:
            self.colors = sample_colorscale("Turbo", list(np.linspace(0.05, 0.95, count)))
        self.shown = {int(place) for place in np.linspace(0, count - 1, min(count, MOST_SHOWN)).round()}

    def style(self, place: int, show_legend: bool = True) -> dict[str, Any]:
        """Return what every trace of a group has in common."""
        return {
            "name": self.names[place],
            "legendgroup": str(place),
            "showlegend": show_legend,
            "visible": True if place in self.shown else "legendonly",
        }


def embedded(name: str, figure: go.Figure) -> Markup:
    """Return the figure as HTML with this id, for a page that has Plotly's script."""
    html = figure.to_html(
        full_html=False, include_plotlyjs=False, div_id=name, config={"displaylogo": False, "responsive": True}
    )
    return Markup(html)  # Plotly's own, which escapes what a script must not hold


def loss_bands(points: pd.DataFrame, palette: Palette) -> go.Figure:
    """Draw training and test loss of every group: mean over its runs, and a band of one standard deviation."""
    figure = make_subplots(1, 2, shared_yaxes=True, subplot_titles=("training loss", "test loss"))
    for column, key in enumerate((loss("train"), loss("test")), start=1):
        rows = points[points["key"] == key]
        for place, part in rows.groupby("group"):
            for trace in _mean_and_band(part, palette, int(place), show_legend=column == 1):
                figure.add_trace(trace, 1, column)
    figure.update_xaxes(title_text="iteration (parameter updates)")
    figure.update_yaxes(title_text="loss", col=1)
    figure.update_layout(**LAYOUT, height=460, updatemenus=[_scale_buttons(["yaxis", "yaxis2"])])
    return figure


def _mean_and_band(part: pd.DataFrame, palette: Palette, place: int, show_legend: bool) -> list[go.Scatter]:
    steps = part.groupby("step")["value"].agg(["mean", "std"])
    style, color = palette.style(place, show_legend), palette.colors[place]
    mode = "lines" if len(steps) > 1 else "markers"
    line = go.Scatter(x=steps.index, y=steps["mean"], mode=mode, line={"color": color, "width": 2}, **style)
    spread = steps.dropna()
    if spread.empty:
        return [line]
    low, high = spread["mean"] - spread["std"], spread["mean"] + spread["std"]
    band = go.Scatter(
        x=np.concatenate([spread.index, spread.index[::-1]]),
        y=np.concatenate([high, low[::-1]]),
        fill="toself",
        opacity=0.25,
        line={"width": 0, "color": color},
        hoverinfo="skip",
        **{**style, "showlegend": False},
    )
    return [band, line]


def _scale_buttons(axes: Sequence[str]) -> dict[str, Any]:
    buttons = [
        {"label": label, "method": "relayout", "args": [{f"{axis}.type": kind for axis in axes}]}
        for label, kind in (("linear", "linear"), ("logarithmic", "log"))
    ]
    return {"type": "buttons", "direction": "right", "x": 1, "xanchor": "right", "y": 1.16, "buttons": buttons}


def over_axes(ranking: Ranking, palette: Palette) -> go.Figure | None:
    """Draw what ranks over what varies: a bar per value of one axis, a heat map of two, else a bar per group."""
    ranked = ranking.ranked
    if not ranking.axes or not ranked:
        return None
    return _heat_map(ranking, ranked) if len(ranking.axes) == 2 else _bars(ranking, ranked[:MOST_BARS], palette)


def _bars(ranking: Ranking, groups: Sequence[Group], palette: Palette) -> go.Figure:
    summaries = [group.summary for group in groups if group.summary is not None]
    widths = [0.0 if isnan(summary.half_width) else summary.half_width for summary in summaries]
    means = [summary.mean for summary in summaries]
    bars = go.Bar(
        x=means,
        y=palette.names[: len(groups)],
        orientation="h",
        error_x={"type": "data", "array": widths} if any(widths) else None,
        marker_color=palette.colors[: len(groups)],
        text=[f"{mean:.4f}" for mean in means],
        textposition="inside",
        insidetextanchor="start",
    )
    figure = go.Figure(bars)
    figure.update_xaxes(title_text=ranking.metric, range=[0, 1.05 * max(means) or 1])
    figure.update_yaxes(type="category", autorange="reversed", automargin=True)
    figure.update_layout(**LAYOUT, height=130 + 30 * len(groups))
    return figure


def _heat_map(ranking: Ranking, groups: Sequence[Group]) -> go.Figure:
    down, across = ranking.axes
    ys, xs = (sorted({group.values[axis] for group in groups}, key=natural) for axis in (down, across))
    means: dict[tuple[str, str], float] = {
        (group.values[down], group.values[across]): group.summary.mean for group in groups if group.summary
    }
    grid = [[means.get((y, x)) for x in xs] for y in ys]
    heat = go.Heatmap(
        x=[escape(x) for x in xs],
        y=[escape(y) for y in ys],
        z=grid,
        text=[["" if mean is None else f"{mean:.4f}" for mean in row] for row in grid],
        texttemplate="%{text}",
        colorscale="Blues",
        reversescale=ranking.ascending,
        colorbar_title=ranking.metric,
    )
    figure = go.Figure(heat)
    figure.update_xaxes(type="category", title_text=escape(across))
    figure.update_yaxes(type="category", title_text=escape(down))
    figure.update_layout(**LAYOUT, height=200 + 50 * len(ys))
    return figure

"""Charts of what groups of runs confuse: class by class. Blue is better, on the diagonal and off it."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from mlplab.page.charts import LAYOUT, Chart, rounded
from mlplab.page.palette import Palette
from mlplab.page.scales import bounded

Names = Mapping[int, tuple[str, ...]]  # of classes, by the group's place; groups without names have numbers
Counts = NDArray[np.int64]  # shape (K, K): [true class, predicted class]
# From worse to better, by way of white: ColorBrewer's RdBu without its darkest ends, on which text is hard to read.
_WORSE_TO_BETTER = [[0.0, "#d6604d"], [0.25, "#f4a582"], [0.5, "#f7f7f7"], [0.75, "#92c5de"], [1.0, "#4393c3"]]
_LEAST_SHOWN = 0.9  # of precision and recall, also where all are 1
_QUANTILE = 0.95  # of the cells: a few larger ones do not make the others pale


def shares(counts: Counts) -> NDArray[np.float64]:
    """Return each row as shares of its true class."""
    rows: NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return rows


def goodness(percent: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix with mistakes, which are off the diagonal, as negative numbers."""
    signs = 2 * np.eye(len(percent)) - 1
    signed: NDArray[np.float64] = percent * signs
    return signed


def confusion_charts(confusion: Mapping[int, Counts], names: Names, palette: Palette, thing: str) -> Chart:
    """Draw a matrix for each selected group, in per cent of the true class: mistakes red, the diagonal blue.

    ``thing``: what is counted, "image" or "row".
    """
    percents = {place: 100 * shares(counts) for place, counts in sorted(confusion.items())}
    mistakes = np.concatenate([p[(p > 0) & ~np.eye(len(p), dtype=bool)] for p in percents.values()])
    reach = max(float(np.quantile(mistakes, _QUANTILE)) if len(mistakes) else 0.0, 0.1)
    traces = [
        {**_matrix(place, confusion[place], percent, palette, reach, thing), **_named_axes(names.get(place))}
        for place, percent in percents.items()
    ]
    figure = go.Figure(traces)
    _as_matrix(figure, bool(names))
    return Chart("confusion", "Confusion", "confusion matrix, in per cent of each true class", figure, each=True)


def _named_axes(names: Sequence[str] | None) -> dict[str, list[str]]:
    return {} if names is None else {"x": escaped(names), "y": escaped(names)}


def escaped(names: Sequence[str]) -> list[str]:
    """Return names as labels of Plotly, which are HTML."""
    return [html.escape(name) for name in names]


def _matrix(
    place: int, counts: Counts, percent: NDArray[np.float64], palette: Palette, reach: float, thing: str
) -> dict[str, Any]:
    signed = np.where(counts > 0, goodness(percent), np.nan)
    return {
        "type": "heatmap",
        "name": palette.names[place],
        "z": [rounded(row) for row in signed],
        "text": [[f"{value:.1f}" if value else "" for value in row] for row in percent],
        "texttemplate": "%{text}",
        "customdata": counts.tolist(),
        "colorscale": _WORSE_TO_BETTER,
        "zmin": -reach,
        "zmax": reach,
        "showscale": False,
        "hovertemplate": f"true %{{y}}, predicted %{{x}}: %{{customdata}} {thing}s, %{{text}} %<extra></extra>",
        "meta": {"group": place},
    }


def difference(one: Counts, other: Counts, names: Sequence[str] | None, title: str) -> Chart | None:
    """Draw the shares of the first minus those of the second, in percentage points; blue: the first is better.

    None where they are equal.
    """
    gap = 100 * (shares(one) - shares(other))
    if not gap.any():
        return None
    reach = max(float(np.quantile(np.abs(gap[gap != 0]), _QUANTILE)), 0.1)
    heat = go.Heatmap(
        **_named_axes(names),
        z=[rounded(row) for row in np.where(gap == 0, np.nan, goodness(gap))],
        text=[[f"{value:+.1f}" if abs(value) >= 0.05 else "" for value in row] for row in gap],
        texttemplate="%{text}",
        colorscale=_WORSE_TO_BETTER,
        zmin=-reach,
        zmax=reach,
        showscale=False,
        hovertemplate="true %{y}, predicted %{x}: %{text} percentage points<extra></extra>",
    )
    figure = go.Figure(heat)
    _as_matrix(figure, names is not None)
    return Chart("difference", title, f"{title}: difference of the confusion matrices, in percentage points", figure)


def _as_matrix(figure: go.Figure, are_named: bool) -> None:
    figure.update_layout(**LAYOUT, height=400)
    if are_named:
        figure.update_xaxes(type="category")  # a name may look like a number
        figure.update_yaxes(type="category")
    figure.update_xaxes(title_text="predicted class", dtick=1, showgrid=False, zeroline=False)
    figure.update_yaxes(title_text="true class", dtick=1, autorange="reversed", showgrid=False, zeroline=False)


def class_charts(confusion: Mapping[int, Counts], names: Names, palette: Palette, collapsed: set[int]) -> list[Chart]:
    """Draw precision and recall of every class; a class that is never predicted has precision 0."""
    return [
        _by_class(name, total_axis, confusion, names, palette, collapsed)
        for name, total_axis in (("precision", 0), ("recall", 1))
    ]


def _by_class(
    name: str,
    total_axis: int,
    confusion: Mapping[int, Counts],
    names: Names,
    palette: Palette,
    collapsed: set[int],
) -> Chart:
    values = {
        place: np.diag(counts) / np.maximum(counts.sum(axis=total_axis), 1)
        for place, counts in sorted(confusion.items())
    }
    kept = np.concatenate([own for place, own in values.items() if place not in collapsed] or list(values.values()))
    low = float(np.quantile(kept, 0.02))
    scale = bounded(name, min(low - 0.1 * (1 - low), _LEAST_SHOWN), 1.1)
    traces = [
        {
            "type": "scatter",
            "name": palette.names[place],
            "x": escaped(names[place]) if place in names else list(range(len(own))),
            "y": rounded([scale.clamp(value) for value in own]),
            "customdata": rounded(own),
            "cliponaxis": False,
            "mode": "lines+markers",
            "line": {"width": 1, "dash": "dot"},
            "marker": {"size": 9, "symbol": [scale.symbol(value, "triangle-down", "triangle-up") for value in own]},
            "hovertemplate": "class %{x}: %{customdata}<extra>%{fullData.name}</extra>",
            "meta": {"group": place},
        }
        for place, own in values.items()
    ]
    figure = go.Figure(traces)
    figure.update_layout(**LAYOUT, height=340)
    figure.update_xaxes(title_text="class", dtick=1, **({"type": "category"} if names else {}))
    figure.update_yaxes(title_text=name, range=[scale.low, scale.high])
    return Chart(f"class-{name}", name.capitalize(), f"{name} of every class, a line per group", figure)

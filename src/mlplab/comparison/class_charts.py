"""Charts of what groups of runs confuse: class by class."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from mlplab.comparison.charts import LAYOUT, Palette

MOST_MATRICES = 6
COLUMNS = 3

Counts = NDArray[np.int64]  # shape (K, K): [true class, predicted class]


def shares(counts: Counts) -> NDArray[np.float64]:
    """Return each row as shares of its true class."""
    rows: NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return rows


def draw_matrices(confusion: Mapping[int, Counts], palette: Palette) -> go.Figure:
    """Draw the matrices of the best groups side by side, as shares of the true class."""
    places = sorted(confusion)[:MOST_MATRICES]
    matrices = [shares(confusion[place]) for place in places]
    rows = -(-len(places) // COLUMNS)
    titles = [palette.names[place] for place in places]
    figure = make_subplots(rows, COLUMNS, subplot_titles=titles, horizontal_spacing=0.06, vertical_spacing=0.14)
    for index, (place, matrix) in enumerate(zip(places, matrices, strict=True)):
        heat = go.Heatmap(
            z=matrix,
            customdata=confusion[place],
            text=_percent(matrix),
            texttemplate="%{text}",
            textfont={"size": 9},
            coloraxis="coloraxis",
            hovertemplate="true %{y}, predicted %{x}: %{customdata}, %{z:.1%} of the true class<extra></extra>",
        )
        figure.add_trace(heat, index // COLUMNS + 1, index % COLUMNS + 1)
    # The diagonal is dark anyway: the scale ends at the most frequent confusion, so that mistakes can be seen.
    worst = max((float(np.max(matrix - np.diag(np.diag(matrix)))) for matrix in matrices), default=0.0)
    figure.update_layout(
        **LAYOUT, height=90 + 350 * rows, coloraxis={"colorscale": "Blues", "cmin": 0, "cmax": max(worst, 0.01)}
    )
    _as_matrices(figure)
    return figure


def difference(one: Counts, other: Counts) -> go.Figure:
    """Draw the shares of the first less those of the second."""
    gap = shares(one) - shares(other)
    reach = max(float(np.abs(gap).max()), 0.01)
    heat = go.Heatmap(
        z=gap,
        text=_percent(gap, signed=True),
        texttemplate="%{text}",
        textfont={"size": 9},
        colorscale="RdBu",
        zmin=-reach,
        zmax=reach,
        hovertemplate="true %{y}, predicted %{x}: %{z:+.2%} of the true class<extra></extra>",
    )
    figure = go.Figure(heat)
    figure.update_layout(**LAYOUT, height=460, width=560)
    _as_matrices(figure)
    return figure


def _as_matrices(figure: go.Figure) -> None:
    figure.update_xaxes(title_text="predicted class", dtick=1, constrain="domain")
    figure.update_yaxes(title_text="true class", dtick=1, autorange="reversed")


def _percent(matrix: NDArray[np.float64], signed: bool = False) -> list[list[str]]:
    form = "{:+.1f}" if signed else "{:.1f}"
    return [[form.format(100 * share) if abs(share) >= 0.0005 else "" for share in row] for row in matrix]


def precision_and_recall(confusion: Mapping[int, Counts], palette: Palette) -> go.Figure:
    """Draw precision and recall of every class; a class that is never predicted has precision 0."""
    figure = make_subplots(1, 2, shared_yaxes=True, subplot_titles=("precision", "recall"))
    for place, counts in sorted(confusion.items()):
        right = np.diag(counts)
        for column, totals in enumerate((counts.sum(axis=0), counts.sum(axis=1)), start=1):
            trace = go.Scatter(
                x=np.arange(len(counts)),
                y=right / np.maximum(totals, 1),
                mode="lines+markers",
                line={"color": palette.colors[place], "width": 1, "dash": "dot"},
                marker={"size": 8},
                **palette.style(place, show_legend=column == 1),
            )
            figure.add_trace(trace, 1, column)
    figure.update_xaxes(title_text="class", dtick=1)
    figure.update_layout(**LAYOUT, height=400)
    return figure

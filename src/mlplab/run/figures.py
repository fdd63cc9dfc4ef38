"""Figures of a run. Each function returns a figure and writes nothing."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

Curve = Sequence[tuple[int, float]]


def draw_losses(curves: Mapping[str, Curve], title: str) -> Figure:
    """Draw losses against the iterations, one curve per name."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for name, points in curves.items():
        steps, losses = zip(*points, strict=True) if points else ((), ())
        axes.plot(steps, losses, label=name, marker="o" if len(points) < 3 else None)
    axes.set_title(title, parse_math=False)  # a name is no formula, whatever $ it has
    axes.set(xlabel="iteration (parameter updates)", ylabel="loss", ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def draw_confusions(counts: NDArray[np.int64], names: Sequence[str], title: str) -> Figure:
    """Draw how often each class (row) was taken for each class (column); counts has shape (K, K), names length K."""
    width = max(6.4, 0.4 * len(counts))
    figure = Figure(figsize=(width, width - 0.8), layout="constrained")
    axes = figure.add_subplot()
    # Coloured by the share of each true class, so that rare classes are as readable as frequent ones.
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            color = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{count}", ha="center", va="center", color=color, fontsize=8)
    axes.set_title(title, parse_math=False)
    axes.set(xlabel="predicted class", ylabel="true class")
    ticks = np.arange(len(counts))
    axes.set_xticks(ticks, names, parse_math=False, rotation=0 if max(map(len, names)) < 4 else 90)
    axes.set_yticks(ticks, names, parse_math=False)
    figure.colorbar(image, label="share of the true class")
    return figure

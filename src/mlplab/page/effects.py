"""Which keys mattered: what each of them, and each pair, contributes to the differences between the groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import combinations, product
from math import prod

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from mlplab.comparison.importance import Importance
from mlplab.comparison.ranking import Ranking
from mlplab.page.axis_charts import Ranked, axis_values, means_over
from mlplab.page.charts import LAYOUT, Chart, rounded

MOST_BARS = 12
_MORE = "three keys and more"


@dataclass(frozen=True)
class Effects:
    """Of a full grid.

    Attributes:
        shares: of the variance between the groups' means, by the keys that act together: one key is a main effect,
            two are an interaction; of three keys and more, what is left is under (). They sum to 1.
    """

    shares: dict[tuple[str, ...], float]

    @property
    def strongest_pair(self) -> tuple[str, str]:
        """The two keys that interact most."""
        pairs = {keys: share for keys, share in self.shares.items() if len(keys) == 2}
        first, second = max(pairs, key=lambda keys: pairs[keys])
        return first, second


def grid_size(ranking: Ranking) -> int:
    """Return how many combinations the values of the ranked groups make."""
    return prod(len(axis_values(ranking.ranked, axis)) for axis in ranking.axes)


def effects_of(ranking: Ranking) -> Effects | None:
    """Return the exact decomposition of the variance of the means (fixed effects, one cell per combination).

    The effect of a set of keys is the mean over all other keys, less the effects of its subsets (R. A. Fisher's
    analysis of variance, balanced design). None where the ranked groups are no full grid of two keys or more, or do
    not differ.
    """
    axes = ranking.axes
    cells = means_over(ranking.ranked, axes)
    if len(axes) < 2 or len(cells) != grid_size(ranking):
        return None
    values = [axis_values(ranking.ranked, axis) for axis in axes]
    means = np.array([np.mean(cells[key]) for key in product(*values)]).reshape([len(own) for own in values])
    total = float(means.var())
    if total == 0:
        return None
    parts = _decomposed(means)
    shares = {tuple(axes[i] for i in keys): float(np.mean(part**2)) / total for keys, part in parts.items() if keys}
    left: dict[tuple[str, ...], float] = {(): max(0.0, 1.0 - sum(shares.values()))} if len(axes) > 2 else {}
    return Effects({**shares, **left})


def _decomposed(means: NDArray[np.float64]) -> Mapping[tuple[int, ...], NDArray[np.float64]]:
    """Return the grand mean, (), the main effects and the interactions of two, each to be broadcast over the grid."""
    every = range(means.ndim)
    parts: dict[tuple[int, ...], NDArray[np.float64]] = {}
    for size in range(3):
        for keys in combinations(every, size):
            others = tuple(axis for axis in every if axis not in keys)
            part = means.mean(axis=others, keepdims=True)
            parts[keys] = part - sum(parts[sub] for n in range(size) for sub in combinations(keys, n))
    return parts


def effects_chart(effects: Effects) -> Chart:
    """Draw the shares of the variance, largest first."""
    named = {" and ".join(keys) or _MORE: share for keys, share in effects.shares.items()}
    largest = sorted(named.items(), key=lambda item: -item[1])
    shown, left = largest[:MOST_BARS], largest[MOST_BARS:]
    if left:
        shown.append((f"{len(left)} others", sum(share for _, share in left)))
    figure = go.Figure(
        {
            "type": "bar",
            "orientation": "h",
            "x": rounded([100 * share for _, share in shown]),
            "y": [name for name, _ in shown],
            "texttemplate": "%{x:.1f} %",
            "textposition": "outside",
            "cliponaxis": False,
            "meta": {"slot": 0},
        }
    )
    figure.update_layout(**{**LAYOUT, "margin": {**LAYOUT["margin"], "r": 60}}, height=90 + 28 * len(shown))
    figure.update_xaxes(title_text="% of the variance", rangemode="tozero")
    figure.update_yaxes(autorange="reversed", automargin=True)
    alt = "; ".join(f"{name}: {100 * share:.1f} per cent" for name, share in shown)
    return Chart("effects", "Main effects and interactions", alt, figure)


def importance_chart(told: Importance) -> Chart:
    """Draw the importance of each key, largest first, with the interval in which 90 % of the resamples lie."""
    shown = list(told.shares.items())[:MOST_BARS]
    means = np.array([share.mean for _, share in shown])
    figure = go.Figure(
        {
            "type": "scatter",
            "mode": "markers",
            "x": rounded(100 * means),
            "y": [escape(key) for key, _ in shown],
            "marker": {"size": 11},
            "error_x": {
                "type": "data",
                "symmetric": False,
                "array": rounded([100 * max(share.high - share.mean, 0) for _, share in shown]),
                "arrayminus": rounded([100 * max(share.mean - share.low, 0) for _, share in shown]),
                "thickness": 2,
            },
            "hovertemplate": "%{x:.1f} %<extra>%{y}</extra>",
            "meta": {"slot": 0},
        }
    )
    figure.update_layout(**LAYOUT, height=90 + 30 * len(shown))
    figure.update_xaxes(title_text="% of the variance between runs", range=[-3, 103])
    figure.update_yaxes(autorange="reversed", automargin=True)
    parts = [
        f"{key}: {100 * one.mean:.0f} per cent, {100 * one.low:.0f} to {100 * one.high:.0f}" for key, one in shown
    ]
    return Chart("importance", "Importance of each key", "; ".join(parts), figure)


def main_effects(ranked: Ranked, axes: Sequence[str]) -> Chart:
    """Draw, for every value of every key, the mean over all combinations of the other keys."""
    labels, means, lows, highs = [], [], [], []
    for axis in axes:
        cells = means_over(ranked.ranking.ranked, [axis])
        for value in axis_values(ranked.ranking.ranked, axis):
            own = cells[value,]
            labels.append(f"{axis} {value}")
            means.append(float(np.mean(own)))
            lows.append(min(own))
            highs.append(max(own))
    figure = go.Figure(
        {
            "type": "scatter",
            "mode": "markers",
            "x": rounded(means),
            "y": labels,
            "marker": {"size": 11},
            "error_x": {
                "type": "data",
                "symmetric": False,
                "array": rounded(np.subtract(highs, means)),
                "arrayminus": rounded(np.subtract(means, lows)),
                "thickness": 1,
            },
            "meta": {"slot": 0},
        }
    )
    figure.update_layout(**LAYOUT, height=90 + 26 * len(labels))
    figure.update_xaxes(title_text=f"mean {ranked.metric}")
    figure.update_yaxes(autorange="reversed", automargin=True)
    alt = "; ".join(f"{label}: {mean:.4f}" for label, mean in zip(labels, means, strict=True))
    return Chart("main-effects", "Mean by the value of each key", alt, figure)

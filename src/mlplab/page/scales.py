"""Axes that one collapsed group does not set: what lies beyond them is drawn at their edge, and never left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log

import numpy as np

GUESSING = 1.5  # times as accurate as guessing: no better than that has collapsed
_PROPORTIONS = ("accuracy", "precision", "recall")  # names of metrics have one of them
_ROOM = 0.03  # of the axis, for half a marker: ticks lie further apart, so that none stands beyond 0 or 1


@dataclass(frozen=True)
class Scale:
    """An axis for values of a metric.

    Attributes:
        low, high: its ends.
    """

    low: float
    high: float

    def clamp(self, value: float) -> float:
        """Return the value, or the end of the axis that it lies beyond; one that is no number is at the upper end."""
        return self.high if np.isnan(value) else min(max(value, self.low), self.high)

    def symbol(self, value: float, beyond_low: str = "triangle-left", beyond_high: str = "triangle-right") -> str:
        """Return the marker for the value: a triangle that points to where it is, beyond the axis."""
        return beyond_low if value < self.low else "circle" if value <= self.high else beyond_high


def has_collapsed(metric: str, value: float, classes: int | None) -> bool:
    """Say whether a value is no better than guessing among so many equally frequent classes.

    Guessing is right in 1 / K of all cases, and its cross-entropy is log K.
    """
    if not isfinite(value):
        return True
    if classes is None:
        return False
    if "accuracy" in metric:
        return value <= GUESSING / classes
    return "loss" in metric and value > log(classes)


def scale_of(metric: str, values: Sequence[float], classes: int | None) -> Scale:
    """Return an axis for the values that have not collapsed; for all of them where all have."""
    finite = [value for value in values if isfinite(value)]
    kept = [value for value in finite if not has_collapsed(metric, value, classes)] or finite or [0.0, 1.0]
    margin = 0.05 * (max(kept) - min(kept)) or 0.01 * abs(kept[0]) or 0.01
    return bounded(metric, min(kept) - margin, max(kept) + margin)


def bounded(metric: str, low: float, high: float) -> Scale:
    """Return such an axis; of a proportion it ends at 0 and 1, but for the room of half a marker."""
    if not any(name in metric for name in _PROPORTIONS):
        return Scale(low, high)
    room = _ROOM * (min(high, 1.0) - max(low, 0.0))
    return Scale(max(low, -room), min(high, 1.0 + room))

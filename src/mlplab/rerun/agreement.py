"""Two lots of numbers compared: how many are equal bit by bit, and where and how far they part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlplab.rerun.recorded import Points
from mlplab.schema import FINAL
from mlplab.tracking.saved_weights import Weights


@dataclass(frozen=True)
class Deviation:
    """Two numbers that differ.

    Attributes:
        where: metric and step, or name and index of a weight.
        difference: absolute; of numbers above 1 relative to the larger; infinite where one of them is no number.
    """

    where: str
    then: float
    now: float
    difference: float


@dataclass(frozen=True)
class Agreement:
    """What came of the comparison.

    Attributes:
        compared: how many numbers both have.
        equal: how many of these are equal bit by bit.
        first: the first that differ, in the order in which they came about; None where none do.
        largest: those that differ most.
        only_then: how many only the original has.
        only_now: how many only the other has.
    """

    compared: int
    equal: int
    first: Deviation | None
    largest: Deviation | None
    only_then: int = 0
    only_now: int = 0

    def holds(self, tolerance: float) -> bool:
        """Tell whether both have the same numbers, at least one, within the tolerance; at 0 bit by bit."""
        if not self.compared or self.only_then or self.only_now:
            return False
        return self.largest is None or 0 < tolerance >= self.largest.difference


def compare_points(then: Points, now: Points, whole: bool = True) -> Agreement:
    """Compare logged values, in the order of their steps, and final ones last.

    Args:
        then: of the original.
        now: of the other run.
        whole: whether the original has finished; of one that was killed nothing is expected beyond its last point.
    """
    common = sorted(then.keys() & now.keys(), key=lambda at: (at[0].startswith(FINAL), at[1], at[0]))
    names = [key if key.startswith(FINAL) else f"{key} at {step:,}" for key, step in common]
    pairs = [(name, np.array([then[at]]), np.array([now[at]])) for name, at in zip(names, common, strict=True)]
    only_now = len(now.keys() - then.keys()) if whole else 0
    return _compare(pairs, only_then=len(then.keys() - now.keys()), only_now=only_now)


def compare_weights(then: Weights, now: Weights) -> Agreement:
    """Compare weights, layer by layer; one of another shape counts as one that the other run does not have."""
    common = [name for name, array in then.items() if name in now and now[name].shape == array.shape]
    missing, added = (sum(a.size for name, a in one.items() if name not in common) for one in (then, now))
    return _compare([(name, then[name], now[name]) for name in common], missing, added)


@dataclass(frozen=True)
class _Pair:
    name: str
    shape: tuple[int, ...]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    differences: NDArray[np.float64]

    def deviation(self, place: int) -> Deviation:
        index = [int(axis) for axis in np.unravel_index(place, self.shape)]
        where = self.name if self.before.size == 1 else f"{self.name}{index}"
        values = (self.before[place], self.after[place], self.differences[place])
        return Deviation(where, *map(float, values))


def _compare(pairs: Sequence[tuple[str, NDArray[Any], NDArray[Any]]], only_then: int, only_now: int) -> Agreement:
    compared = equal = 0
    first: Deviation | None = None
    largest: Deviation | None = None
    for name, one, other in pairs:
        before, after = one.astype(np.float64).ravel(), other.astype(np.float64).ravel()
        same = _equal_bits(before, after)
        compared, equal = compared + same.size, equal + int(same.sum())
        if same.all():
            continue
        differences = np.where(same, -1.0, _differences(before, after))  # a zero's sign is a difference of 0
        pair = _Pair(name, one.shape, before, after, differences)
        first = first or pair.deviation(int(np.argmin(same)))
        most = pair.deviation(int(np.argmax(differences)))
        largest = most if largest is None or most.difference > largest.difference else largest
    return Agreement(compared, equal, first, largest, only_then, only_now)


def _equal_bits(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell of each pair whether it is equal, the sign of a zero included; all that are no numbers count as one."""
    same = (one == other) & (np.signbit(one) == np.signbit(other))
    return np.asarray(same | (np.isnan(one) & np.isnan(other)))


def _differences(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    scale = np.maximum(1.0, np.maximum(np.abs(one), np.abs(other)))
    with np.errstate(invalid="ignore", over="ignore"):
        found = np.abs(one - other) / scale
    return np.where(np.isnan(found), np.inf, found)

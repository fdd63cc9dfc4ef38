"""Comparisons that one report makes, tested as one family: of twenty tests without a cause, one finds something."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlplab.comparison.statistics import SIGNIFICANCE, Difference

Samples = tuple[Sequence[float], Sequence[float]]  # values over the seeds


@dataclass(frozen=True)
class Corrected:
    """A difference of two means that is one of a family.

    Attributes:
        difference: its mean, interval and p-value alone.
        p: corrected for the family; None where there is no test.
        family: how many tests it has.
    """

    difference: Difference
    p: float | None
    family: int

    @property
    def is_real(self) -> bool:
        """Tell whether it is more than noise, at 5 % for the whole family."""
        return self.p is not None and self.p < SIGNIFICANCE

    def __str__(self) -> str:
        found = self.difference
        if self.p is None:
            return f"{found.mean:+.4f}; with one seed nobody can tell whether that is more than noise"
        how = "more than noise" if self.is_real else "which may be noise"
        corrected = f" alone, {self.p:.1g} as one of {self.family} tests" if self.family > 1 else ""
        test = f"Welch's t-test on the seeds, p = {found.p:.2g}{corrected}"
        return f"{found.mean:+.4f} ± {found.half_width:.4f}, {how} ({test})"


def compare_family(pairs: Mapping[str, Samples]) -> dict[str, Corrected]:
    """Return the difference of each pair, the first less the second, by its name."""
    differences = {name: Difference.of(*pair) for name, pair in pairs.items()}
    known = {name: found.p for name, found in differences.items() if found.p is not None}
    corrected = dict(zip(known, holm(list(known.values())), strict=True))
    return {name: Corrected(found, corrected.get(name), len(known)) for name, found in differences.items()}


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values, corrected for being several: Holm, Scandinavian Journal of Statistics 6 (1979), 65-70.

    The smallest of m counts m times, the next m - 1 times, and so on, and none less than a smaller one. Calling those
    below 0.05 real is wrong about any of them in at most 5 % of all cases, however they depend on each other.
    """
    corrected, largest = [0.0] * len(p_values), 0.0
    for place, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[i]))
        corrected[i] = largest
    return corrected

"""What a few independent values say: mean, spread, and whether two means differ; several p-values at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05
_ROUNDING = 1e-12  # of the largest value: averages of equal numbers differ by as much, and that is no spread


@dataclass(frozen=True)
class Summary:
    """Of n independent values.

    Attributes:
        mean: arithmetic mean.
        deviation: standard deviation of the sample (n - 1 in the denominator); NaN for one value.
        half_width: of the 95 % confidence interval of the mean, by Student's t with n - 1 degrees of freedom; NaN
            for one value.
    """

    n: int
    mean: float
    deviation: float
    half_width: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Summary":
        """Return the summary of one value or more."""
        n, mean = len(values), float(np.mean(values))
        if n == 1:
            return cls(1, mean, nan, nan)
        deviation = float(np.std(values, ddof=1))
        half_width = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * deviation / sqrt(n)
        return cls(n, mean, deviation, half_width)

    def half_width_of_best(self, groups: int) -> float:
        """Return half the 95 % confidence interval of this mean where it was picked as the best of so many groups.

        The highest of many means is high by luck, too. The interval has the level 1 - 0.05 / groups (Bonferroni), so
        that the intervals of all groups hold at once, and with them that of whichever is picked. NaN for one value.
        """
        if self.n == 1:
            return nan
        return float(stats.t.ppf(1 - SIGNIFICANCE / 2 / groups, self.n - 1)) * self.deviation / sqrt(self.n)


@dataclass(frozen=True)
class Difference:
    """Of two means.

    Attributes:
        mean: of the first less that of the second.
        half_width: of its confidence interval, by the same test as ``p`` and at its level: the interval holds 0 where
            p is 0.05 or more. NaN where there is no test.
        p: two-sided: how often equal means would differ as much by chance. None where there is no test: a group has
            one value, or nothing varies.
    """

    mean: float
    half_width: float
    p: float | None

    @classmethod
    def of(cls, one: Sequence[float], other: Sequence[float]) -> "Difference":
        """Return the difference of two independent groups, whose variances may differ, by Welch's t-test."""
        mean = float(np.mean(one) - np.mean(other))
        if min(len(one), len(other)) < 2 or (is_constant(one) and is_constant(other)):
            return cls(mean, nan, None)
        tested = stats.ttest_ind(one, other, equal_var=False)
        interval = tested.confidence_interval(CONFIDENCE)
        return cls(mean, float(interval.high - interval.low) / 2, float(tested.pvalue))


def is_constant(values: Sequence[float], scale: float = 0.0) -> bool:
    """Tell whether values differ by no more than rounding does; ``scale``: of the numbers that they came from."""
    return bool(np.ptp(values) <= _ROUNDING * max(scale, float(np.max(np.abs(values)))))

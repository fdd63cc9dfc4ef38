"""What a few runs say about a population of runs: mean, spread, and whether two of them differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05


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


@dataclass(frozen=True)
class Difference:
    """Of the means of two groups of independent values, whose variances may differ (Welch).

    Attributes:
        mean: of the first less that of the second.
        half_width: of its 95 % confidence interval; NaN where a group of one value has no spread.
        p: of Welch's t-test, two-sided: how often equal means would differ as much by chance; None where it cannot
            tell. Groups without any spread differ for certain (0), or not at all (1).
    """

    mean: float
    half_width: float
    p: float | None

    @classmethod
    def of(cls, one: Sequence[float], other: Sequence[float]) -> "Difference":
        """Return the difference of two groups of one value or more."""
        mean = float(np.mean(one) - np.mean(other))
        if len(one) < 2 or len(other) < 2:
            return cls(mean, nan, None)
        if np.ptp(one) == 0 == np.ptp(other):
            return cls(mean, 0.0, 0.0 if mean else 1.0)
        found = stats.ttest_ind(one, other, equal_var=False)
        interval = found.confidence_interval(CONFIDENCE)
        return cls(mean, float(interval.high - interval.low) / 2, float(found.pvalue))

"""Which of several groups can be told from the best: all pairs tested as one family, at 5 % family-wise.

Which test it is depends on how many groups and seeds there are, and never on what was measured. How often each is
wrong is simulated: docs/comparing.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from scipy import stats

from mlplab.comparison.statistics import CONFIDENCE, SIGNIFICANCE, Difference, is_constant

Sample = Mapping[str, float]  # one value per seed
MOST_GAMES_HOWELL = 10  # groups: with 45 and three seeds it is wrong in 10 % of all cases, and not in 5 %


@dataclass(frozen=True)
class Separation:
    """The best group against each of the others.

    Attributes:
        test: its name, and what it was corrected for.
        lead: of the best over the next. Its interval is simultaneous with those of all other pairs.
        p: against each of the others, in their order, corrected for all pairs of the family; None where there is no
            test. Where all means are equal, one of them falls below 0.05 in about 5 % of all cases.
    """

    test: str
    lead: Difference
    p: list[float | None]

    def is_apart(self, other: int) -> bool:
        """Tell whether the best can be told from the group ``other`` places behind it."""
        p = self.p[other - 1]
        return p is not None and p < SIGNIFICANCE

    def is_level(self, other: int) -> bool:
        """Tell whether it was tested, and cannot."""
        p = self.p[other - 1]
        return p is not None and p >= SIGNIFICANCE


def separate(samples: Sequence[Sample], can_pair: bool) -> Separation | None:
    """Compare the first sample, which has the best mean, with each of the others.

    Args:
        samples: two or more, best first. Samples of one value are left out of the family.
        can_pair: equal seeds have the same start and batches in all samples: the differences seed by seed may be
            tested. Otherwise the samples are independent.

    Returns:
        None where the best has one value, or no other has two.
    """
    family = [i for i, sample in enumerate(samples) if len(sample) > 1]
    if len(family) < 2 or family[0] != 0:
        return None
    test = _choose_test([samples[i] for i in family], can_pair)
    best = samples[0]
    p = [test.p(best, sample) if i in family else None for i, sample in enumerate(samples) if i]
    mean = float(np.mean(list(best.values())) - np.mean(list(samples[1].values())))
    half_width = nan if p[0] is None else test.half_width(best, samples[1])
    return Separation(test.name, Difference(mean, half_width, p[0]), p)


def _choose_test(family: Sequence[Sample], can_pair: bool) -> "_Welch":
    """Return the sharpest test that holds its level for so many groups and seeds."""
    groups, seeds = len(family), len(family[0])
    independent = _GamesHowell(groups) if 2 < groups <= MOST_GAMES_HOWELL else _Welch(groups)
    if not can_pair or any(set(sample) != set(family[0]) for sample in family):
        return independent
    paired = _Paired(groups)
    # Pairing halves the degrees of freedom. It is worth that where a correlation of 0.75 between the groups, which
    # halves the standard error, makes up for it.
    return paired if paired.critical(seeds - 1) <= 2 * independent.critical(2 * seeds - 2) else independent


@dataclass(frozen=True)
class _Welch:
    """Welch's t-test, corrected for all pairs of groups (Bonferroni).

    Holm's correction would be a little sharper and has no intervals that belong to it.
    """

    groups: int

    @property
    def name(self) -> str:
        return "Welch's t-test" + _correction(self.groups)

    def p(self, one: Sample, other: Sample) -> float | None:
        first, second = list(one.values()), list(other.values())
        if is_constant(first) and is_constant(second):
            return None
        error, freedom = _welch_error(first, second)
        return self.tail(abs(float(np.mean(first) - np.mean(second))) / error, freedom)

    def half_width(self, one: Sample, other: Sample) -> float:
        error, freedom = _welch_error(list(one.values()), list(other.values()))
        return self.critical(freedom) * error

    def tail(self, t: float, freedom: float) -> float:
        """Return the corrected p-value of a difference of t standard errors."""
        return float(min(1.0, pairs(self.groups) * 2 * stats.t.sf(t, freedom)))

    def critical(self, freedom: float) -> float:
        """Return how many standard errors the corrected p-value of 0.05 is."""
        return float(stats.t.ppf(1 - SIGNIFICANCE / 2 / pairs(self.groups), freedom))


class _GamesHowell(_Welch):
    """The studentized range with each pair's own variances and degrees of freedom (Welch, Satterthwaite).

    Games and Howell, Journal of Educational Statistics 1 (1976), 113-125. SciPy has it as
    ``tukey_hsd(equal_var=False)``, which computes all pairs: 7 s for 45 groups, against 0.4 s for those of the best.
    """

    @property
    def name(self) -> str:
        return f"Games-Howell test of {self.groups} groups, 5 % family-wise"

    def tail(self, t: float, freedom: float) -> float:
        return float(np.clip(stats.studentized_range.sf(t * sqrt(2), self.groups, freedom), 0, 1))

    def critical(self, freedom: float) -> float:
        return float(stats.studentized_range.ppf(CONFIDENCE, self.groups, freedom)) / sqrt(2)


class _Paired(_Welch):
    """Student's t-test of the differences seed by seed, corrected for all pairs of groups (Bonferroni)."""

    @property
    def name(self) -> str:
        return "t-test paired by seed" + _correction(self.groups)

    def p(self, one: Sample, other: Sample) -> float | None:
        gaps = [one[seed] - other[seed] for seed in one]
        if is_constant(gaps, max(map(abs, [*one.values(), *other.values()]))):
            return None
        return self.tail(abs(float(np.mean(gaps))) / _error(gaps), len(gaps) - 1)

    def half_width(self, one: Sample, other: Sample) -> float:
        gaps = [one[seed] - other[seed] for seed in one]
        return self.critical(len(gaps) - 1) * _error(gaps)


def pairs(groups: int) -> int:
    """Return how many pairs so many groups make."""
    return groups * (groups - 1) // 2


def _correction(groups: int) -> str:
    return f", Bonferroni over {pairs(groups)} pairs, 5 % family-wise" if groups > 2 else ""


def _welch_error(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """Return the standard error of the difference of the means, and its degrees of freedom (Welch 1947)."""
    parts = [float(np.var(values, ddof=1)) / len(values) for values in (one, other)]
    weights = [part**2 / (len(values) - 1) for part, values in zip(parts, (one, other), strict=True)]
    return sqrt(sum(parts)), sum(parts) ** 2 / sum(weights)


def _error(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) / sqrt(len(values))

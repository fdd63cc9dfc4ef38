"""The tests behind a verdict, against SciPy's own."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from mlplab.comparison.separation import separate
from mlplab.comparison.statistics import Difference

RNG = np.random.default_rng(3)


def samples(groups: int, seeds: int, spread: float = 0.3) -> list[dict[str, float]]:
    """Groups with falling means and growing deviations."""
    drawn = [RNG.normal(-0.3 * group, 1 + spread * group, seeds) for group in range(groups)]
    drawn.sort(key=lambda values: -float(np.mean(values)))
    return [{str(seed): float(value) for seed, value in enumerate(values)} for values in drawn]


def lists(drawn: Sequence[dict[str, float]]) -> list[list[float]]:
    return [list(sample.values()) for sample in drawn]


@pytest.mark.parametrize(("groups", "seeds"), [(3, 3), (4, 2)])
def test_games_howell_is_that_of_scipy(groups: int, seeds: int) -> None:
    drawn = samples(groups, seeds)
    found = separate(drawn, can_pair=False)
    assert found is not None
    expected = stats.tukey_hsd(*lists(drawn), equal_var=False)
    np.testing.assert_allclose(found.p, expected.pvalue[0, 1:], rtol=1e-6, atol=1e-12)
    interval = expected.confidence_interval(0.95)
    assert found.lead.mean == pytest.approx(expected.statistic[0, 1])
    assert found.lead.mean + found.lead.half_width == pytest.approx(interval.high[0, 1], rel=1e-6)
    assert found.test == f"Games-Howell test of {groups} groups, 5 % family-wise"


def test_two_groups_are_compared_by_welchs_test() -> None:
    drawn = samples(2, 5)
    found = separate(drawn, can_pair=False)
    assert found is not None
    expected = Difference.of(*lists(drawn))
    assert found.p == [pytest.approx(expected.p)]
    assert found.lead.half_width == pytest.approx(expected.half_width)
    assert found.test == "Welch's t-test"


def test_many_groups_are_corrected_for_all_pairs() -> None:
    drawn = samples(12, 4)
    found = separate(drawn, can_pair=False)
    assert found is not None
    alone = Difference.of(*lists(drawn[:2])).p
    assert alone is not None
    assert found.p[0] == pytest.approx(min(1, 66 * alone))
    assert found.test == "Welch's t-test, Bonferroni over 66 pairs, 5 % family-wise"


def test_groups_with_the_same_seeds_and_starts_are_paired() -> None:
    drawn = samples(3, 8)
    found = separate(drawn, can_pair=True)
    assert found is not None
    first, second, third = lists(drawn)
    assert found.p == [pytest.approx(min(1, 3 * stats.ttest_rel(first, other).pvalue)) for other in (second, third)]
    high = stats.ttest_rel(first, second).confidence_interval(1 - 0.05 / 3).high
    assert found.lead.mean + found.lead.half_width == pytest.approx(high)
    assert found.test == "t-test paired by seed, Bonferroni over 3 pairs, 5 % family-wise"


def test_other_seeds_or_too_few_of_them_are_not_paired() -> None:
    drawn = samples(2, 4)
    other = [drawn[0], {f"{seed}0": value for seed, value in drawn[1].items()}]
    for given in (other, samples(3, 3)):  # pairing three groups with three seeds costs more than it gains
        found = separate(given, can_pair=True)
        assert found is not None
        assert "paired" not in found.test


@pytest.mark.parametrize("can_pair", [False, True])
@pytest.mark.parametrize("groups", [2, 3, 12])
def test_the_interval_holds_zero_just_where_p_is_above_the_level(can_pair: bool, groups: int) -> None:
    """Move the best up until p is 0.05 at half the interval's width."""
    drawn = samples(groups, 8)
    found = separate(drawn, can_pair)
    assert found is not None
    for share, is_apart in ((0.999, False), (1.001, True)):
        shift = share * found.lead.half_width - found.lead.mean
        moved = [{seed: value + shift for seed, value in drawn[0].items()}, *drawn[1:]]
        again = separate(moved, can_pair)
        assert again is not None
        assert again.lead.half_width == pytest.approx(found.lead.half_width)
        assert again.is_apart(1) == is_apart


def test_equal_gaps_are_no_spread_though_they_differ_in_rounding() -> None:
    drawn = [{str(seed): 0.1 * seed + 0.3 for seed in range(8)}, {str(seed): 0.1 * seed + 0.2 for seed in range(8)}]
    found = separate(drawn, can_pair=True)
    assert found is not None
    assert found.p == [None]

"""Means, intervals and tests, against SciPy and against numbers worked by hand."""

from math import isnan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlplab.comparison.statistics import Difference, Summary

values = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=2, max_size=20)


def test_a_hand_worked_summary() -> None:
    # 1, 2, 3, 4: mean 2.5, deviation sqrt(5 / 3); t(0.975, 3) = 3.182446
    found = Summary.of([1, 2, 3, 4])
    assert (found.n, found.mean) == (4, 2.5)
    assert found.deviation == pytest.approx(sqrt(5 / 3))
    assert found.half_width == pytest.approx(3.182446 * sqrt(5 / 3) / 2, rel=1e-6)


def test_one_value_has_a_mean_and_no_spread() -> None:
    found = Summary.of([0.97])
    assert (found.n, found.mean) == (1, 0.97)
    assert isnan(found.deviation)
    assert isnan(found.half_width)


@given(values)
def test_the_interval_is_that_of_scipy(sample: list[float]) -> None:
    found = Summary.of(sample)
    if found.deviation == 0:
        assert found.half_width == 0
        return
    low, high = stats.t.interval(0.95, len(sample) - 1, loc=np.mean(sample), scale=stats.sem(sample))
    assert found.mean - found.half_width == pytest.approx(low, rel=1e-9, abs=1e-9)
    assert found.mean + found.half_width == pytest.approx(high, rel=1e-9, abs=1e-9)


def test_a_hand_worked_welch_test() -> None:
    # Means 2 and 5, variances 1 and 4, n = 3 each: t = -3 / sqrt(5 / 3), 2.94 degrees of freedom.
    t, freedom = -3 / sqrt(5 / 3), (5 / 3) ** 2 / ((1 / 3) ** 2 / 2 + (4 / 3) ** 2 / 2)
    found = Difference.of([1, 2, 3], [3, 5, 7])
    assert found.mean == -3
    assert found.p == pytest.approx(2 * stats.t.cdf(t, freedom))
    assert found.half_width == pytest.approx(stats.t.ppf(0.975, freedom) * sqrt(5 / 3))


@pytest.mark.parametrize(
    ("one", "other"),
    [([1.0], [2.0, 3.0]), ([1.0, 1.0], [2.0, 2.0]), ([1.0, 1.0], [1.0, 1.0]), ([0.3, 0.1 + 0.2], [0.1, 0.1])],
)
def test_without_spread_there_is_no_test(one: list[float], other: list[float]) -> None:
    found = Difference.of(one, other)
    assert found.p is None
    assert found.mean == np.mean(one) - np.mean(other)
    assert isnan(found.half_width)

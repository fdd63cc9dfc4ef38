"""Two lots of numbers: what is equal bit by bit, and where the others part."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplab.rerun.agreement import compare_points, compare_weights

POINTS = st.dictionaries(st.tuples(st.sampled_from(["a", "final/b"]), st.integers(0, 9)), st.floats(), min_size=1)


@given(POINTS)
def test_what_is_compared_with_itself_is_equal_bit_by_bit(points: dict[tuple[str, int], float]) -> None:
    found = compare_points(points, dict(points))
    assert found.equal == found.compared == len(points)
    assert found.first is found.largest is None
    assert found.holds(0.0)


@given(POINTS, st.data())
def test_one_bit_more_is_found_where_it_is(points: dict[tuple[str, int], float], data: st.DataObject) -> None:
    at = data.draw(st.sampled_from(sorted(points)))
    changed = {**points, at: 1.0 if math.isnan(points[at]) else math.nextafter(points[at], 0.0 if points[at] else 1.0)}
    found = compare_points(points, changed)
    assert found.equal == len(points) - 1
    assert not found.holds(0.0)
    assert found.first is not None
    assert found.largest is not None
    assert found.first.where == found.largest.where
    assert found.first.where == (at[0] if at[0].startswith("final/") else f"{at[0]} at {at[1]}")
    assert found.holds(1e-9) == (found.first.difference <= 1e-9)


def test_the_first_difference_is_the_earliest_and_a_final_value_comes_last() -> None:
    then = {("loss", 20): 1.0, ("loss", 100): 2.0, ("final/loss", 0): 3.0}
    now = {("loss", 20): 1.0, ("loss", 100): 2.5, ("final/loss", 0): 9.0}
    found = compare_points(then, now)
    assert found.first is not None
    assert found.largest is not None
    assert (found.first.where, found.first.then, found.first.now) == ("loss at 100", 2.0, 2.5)
    assert found.first.difference == pytest.approx(0.2)  # of numbers above 1 relative to the larger
    assert (found.largest.where, found.largest.difference) == ("final/loss", pytest.approx(2 / 3))


def test_a_point_that_only_one_has_is_a_difference_however_large_the_tolerance() -> None:
    found = compare_points({("a", 1): 1.0, ("a", 2): 1.0}, {("a", 1): 1.0, ("b", 1): 1.0, ("b", 2): 1.0})
    assert (found.compared, found.equal, found.only_then, found.only_now) == (1, 1, 1, 2)
    assert not found.holds(1e9)


def test_of_a_killed_run_nothing_is_expected_beyond_its_last_point() -> None:
    found = compare_points({("a", 1): 1.0}, {("a", 1): 1.0, ("a", 2): 1.0}, whole=False)
    assert found.holds(0.0)


def test_runs_without_a_common_number_are_not_the_same() -> None:
    assert not compare_points({}, {}).holds(0.0)


def test_the_sign_of_a_zero_is_a_bit() -> None:
    found = compare_points({("a", 1): 0.0}, {("a", 1): -0.0})
    assert found.equal == 0
    assert not found.holds(0.0)
    assert found.holds(1e-300)


def test_an_infinite_loss_agrees_with_itself_alone() -> None:
    assert compare_points({("a", 1): math.inf}, {("a", 1): math.inf}).holds(0.0)
    found = compare_points({("a", 1): math.inf}, {("a", 1): 1.0})
    assert found.largest is not None
    assert found.largest.difference == math.inf


def test_weights_are_compared_one_by_one_and_named_by_their_index() -> None:
    then = {"W1": np.arange(6, dtype=np.float32).reshape(2, 3), "b1": np.zeros(3, np.float32)}
    now = {name: array.copy() for name, array in then.items()}
    now["W1"][1, 2] += 1
    found = compare_weights(then, now)
    assert (found.compared, found.equal) == (9, 8)
    assert found.first is not None
    assert found.first.where == "W1[1, 2]"


def test_weights_of_another_shape_are_not_compared() -> None:
    found = compare_weights({"W1": np.zeros((2, 3))}, {"W1": np.zeros((3, 2)), "b1": np.zeros(2)})
    assert (found.compared, found.only_then, found.only_now) == (0, 6, 8)

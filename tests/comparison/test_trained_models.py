"""Two trained models on one test set, and how well that set measures."""

import numpy as np
import pytest

from mlplab.comparison.trained_models import ModelComparison, sampling_interval

LABELS = np.zeros(100, dtype=np.int64)


def predictions(*wrong: int) -> np.ndarray:
    predicted = LABELS.copy()
    predicted[list(wrong)] = 1
    return np.column_stack([LABELS, predicted])


def test_a_hand_worked_mcnemar() -> None:
    # 10 images with one alone, 1 with the other: 2 * (1 + 11) / 2**11
    found = ModelComparison.of(("relu", "tanh"), predictions(0, 50), predictions(*range(1, 11), 50), "image")
    assert found is not None
    assert (found.only_first, found.only_second) == (10, 1)
    assert found.p == pytest.approx(2 * 12 / 2**11)
    assert found.sentence == (
        "the two trained models do differ: on the test set 10 images are right with relu alone, 1 with tanh alone "
        "(McNemar's exact test, p = 0.012)"
    )


def test_what_they_get_right_are_rows_of_a_table_and_one_is_one() -> None:
    found = ModelComparison.of(("relu", "tanh"), predictions(1), predictions(0), "row")
    assert found is not None
    assert "on the test set 1 row is right with relu alone, 1 with tanh alone" in found.sentence
    none = ModelComparison.of(("relu", "tanh"), predictions(1), predictions(), "row")
    assert none is not None
    assert "on the test set 0 rows are right with relu alone, 1 with tanh alone" in none.sentence


def test_models_that_agree_cannot_be_told_apart() -> None:
    found = ModelComparison.of(("relu", "tanh"), predictions(3), predictions(3), "image")
    assert found is not None
    assert found.p == 1
    assert "cannot be told apart" in found.sentence


def test_different_test_sets_are_not_compared() -> None:
    other = predictions(3)
    other[0] = 2
    assert ModelComparison.of(("relu", "tanh"), predictions(3), other, "image") is None


def wilson(share: float, count: int) -> tuple[float, float]:
    """By the formula, E. B. Wilson, JASA 22 (1927), 209-212."""
    z = 1.959963985
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return middle - half, middle + half


@pytest.mark.parametrize("right", [0, 1, 20, 34, 35])
def test_what_a_test_set_leaves_open_has_a_width_even_where_all_are_right(right: int) -> None:
    low, high = sampling_interval(right / 35, 35)
    assert (low, high) == pytest.approx(wilson(right / 35, 35))
    assert 0.05 < high - low < 0.35
    assert 0 <= low <= right / 35 <= high <= 1


def test_the_mean_of_several_models_counts_as_the_nearest_number_of_right_ones() -> None:
    assert sampling_interval((30 + 31 + 31) / 3 / 35, 35) == sampling_interval(31 / 35, 35)

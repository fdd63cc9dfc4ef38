"""Two trained models on one test set, and how well that set measures."""

import numpy as np
import pytest

from mlplab.comparison.trained_models import ModelComparison, sampling_error

LABELS = np.zeros(100, dtype=np.int64)


def predictions(*wrong: int) -> np.ndarray:
    predicted = LABELS.copy()
    predicted[list(wrong)] = 1
    return np.column_stack([LABELS, predicted])


def test_a_hand_worked_mcnemar() -> None:
    # 10 images with one alone, 1 with the other: 2 * (1 + 11) / 2**11
    found = ModelComparison.of(("relu", "tanh"), predictions(0, 50), predictions(*range(1, 11), 50))
    assert found is not None
    assert (found.only_first, found.only_second) == (10, 1)
    assert found.p == pytest.approx(2 * 12 / 2**11)
    assert found.sentence == (
        "the two trained models do differ: on the test set 10 images are right with relu alone, 1 with tanh alone "
        "(McNemar's exact test, p = 0.012)"
    )


def test_models_that_agree_cannot_be_told_apart() -> None:
    found = ModelComparison.of(("relu", "tanh"), predictions(3), predictions(3))
    assert found is not None
    assert found.p == 1
    assert "cannot be told apart" in found.sentence


def test_different_test_sets_are_not_compared() -> None:
    other = predictions(3)
    other[0] = 2
    assert ModelComparison.of(("relu", "tanh"), predictions(3), other) is None


def test_the_standard_error_of_a_test_set() -> None:
    assert sampling_error(0.9167, 360) == pytest.approx(0.01456, abs=1e-5)
    assert sampling_error(1.0, 360) == 0

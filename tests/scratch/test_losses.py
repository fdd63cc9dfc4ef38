"""Losses equal their one-hot formulas, gradients are the derivatives, and large logits cause no overflow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlplab.scratch.losses import LOSSES

ROWS, CLASSES = 4, 5
logit_matrices = arrays(np.float64, (ROWS, CLASSES), elements=st.floats(-8, 8))
label_vectors = arrays(np.int64, ROWS, elements=st.integers(0, CLASSES - 1))


def one_hot_formula(name: str, logits: np.ndarray, labels: np.ndarray) -> float:
    y = np.eye(CLASSES)[labels]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if name == "cross_entropy":
        return float(-(y * np.log(p)).sum(axis=1).mean())
    return float(0.5 * ((p - y) ** 2).sum(axis=1).mean())


def value(name: str, logits: np.ndarray, labels: np.ndarray) -> float:
    return LOSSES[name].forward(logits.copy(), labels)


@pytest.mark.parametrize("name", LOSSES)
@given(logits=logit_matrices, labels=label_vectors)
def test_value_is_the_one_hot_formula(name: str, logits: np.ndarray, labels: np.ndarray) -> None:
    assert value(name, logits, labels) == pytest.approx(one_hot_formula(name, logits, labels), rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("name", LOSSES)
@given(logits=logit_matrices, labels=label_vectors)
def test_backward_is_the_central_difference(name: str, logits: np.ndarray, labels: np.ndarray) -> None:
    h = 1e-5
    expected = np.empty_like(logits)
    for place in np.ndindex(logits.shape):
        step = np.zeros_like(logits)
        step[place] = h
        expected[place] = (value(name, logits + step, labels) - value(name, logits - step, labels)) / (2 * h)
    buffer = logits.copy()
    LOSSES[name].forward(buffer, labels)
    LOSSES[name].backward(buffer, labels)
    np.testing.assert_allclose(buffer, expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", LOSSES)
def test_forward_turns_logits_into_probabilities(name: str) -> None:
    buffer = np.array([[0.0, np.log(3.0)]])
    LOSSES[name].forward(buffer, np.array([0]))
    np.testing.assert_allclose(buffer, [[0.25, 0.75]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_of_huge_logits_is_exact(dtype: type) -> None:
    logits = np.array([[1e4, -1e4, 0.0], [1e4, -1e4, 0.0]], dtype=dtype)
    labels = np.array([0, 1])
    loss = LOSSES["cross_entropy"].forward(logits, labels)
    assert loss == pytest.approx((0 + 2e4) / 2)
    LOSSES["cross_entropy"].backward(logits, labels)
    np.testing.assert_array_equal(logits, np.array([[0, 0, 0], [0.5, -0.5, 0]], dtype=dtype))

"""Activations are what their formulas say, and their backward passes are the derivatives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlplab.scratch.activations import ACTIVATIONS

FORMULAS = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": lambda z: np.sinh(z) / np.cosh(z),
    "relu": lambda z: np.where(z > 0, z, 0),
    "linear": lambda z: z,
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
}
matrices = arrays(np.float64, (3, 4), elements=st.floats(-5, 5).filter(lambda z: abs(z) > 1e-3))


def forward(name: str, z: np.ndarray) -> np.ndarray:
    out = z.copy()
    ACTIVATIONS[name].forward(out)
    return out


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(z=matrices)
def test_forward_is_the_formula(name: str, z: np.ndarray) -> None:
    np.testing.assert_allclose(forward(name, z), FORMULAS[name](z), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(z=matrices, gradient=matrices)
def test_backward_is_the_central_difference(name: str, z: np.ndarray, gradient: np.ndarray) -> None:
    expected = np.empty_like(z)
    h = 1e-6
    for place in np.ndindex(z.shape):
        step = np.zeros_like(z)
        step[place] = h
        expected[place] = ((forward(name, z + step) - forward(name, z - step)) * gradient).sum() / (2 * h)
    actual = gradient.copy()
    ACTIVATIONS[name].backward(forward(name, z), actual)
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-7)


@given(z=matrices, gradient=matrices)
def test_softmax_backward_is_the_product_with_its_full_jacobian(z: np.ndarray, gradient: np.ndarray) -> None:
    a = forward("softmax", z)
    expected = np.stack([(np.diag(row) - np.outer(row, row)).T @ g for row, g in zip(a, gradient, strict=True)])
    actual = gradient.copy()
    ACTIVATIONS["softmax"].backward(a, actual)
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_inputs_neither_overflow_nor_warn(name: str, dtype: type) -> None:
    z = np.array([[-1e4, 0.0, 1e4]], dtype=dtype)
    out = forward(name, z)
    assert out.dtype == dtype
    assert np.isfinite(out).all()
    if name in ("sigmoid", "softmax"):
        assert out[0, 0] == 0
        assert out[0, 2] == 1

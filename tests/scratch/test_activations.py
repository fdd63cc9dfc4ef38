"""Activations equal PyTorch's, and their backward passes are the derivatives."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlplab.config import Activation
from mlplab.scratch.activations import ACTIVATIONS, SOFTMAX

ALL = {**ACTIVATIONS, "softmax": SOFTMAX}

matrices = arrays(np.float64, (3, 4), elements=st.floats(-5, 5).filter(lambda z: abs(z) > 1e-3))


def forward(name: str, z: np.ndarray) -> np.ndarray:
    out = z.copy()
    ALL[name].forward(out)
    return out


def kept(name: str, z: np.ndarray) -> np.ndarray:
    return z.copy() if ALL[name].needs_input else forward(name, z)


def test_every_activation_of_the_config_exists() -> None:
    assert set(ACTIVATIONS) == set(Activation)


@pytest.mark.parametrize("name", ALL)
@given(z=matrices)
def test_forward_equals_pytorchs(name: str, z: np.ndarray) -> None:
    class_name, arguments = ALL[name].pytorch
    expected = getattr(torch.nn, class_name)(**arguments)(torch.from_numpy(z)).numpy()
    np.testing.assert_allclose(forward(name, z), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_largest_slope_is_the_maximum_of_the_derivative(name: str) -> None:
    z = np.linspace(-10, 10, 200_001).reshape(1, -1)
    slope = np.ones_like(z)
    ALL[name].backward(kept(name, z), slope)
    assert np.abs(slope).max() == pytest.approx(ALL[name].largest_slope, rel=1e-8)


@pytest.mark.parametrize("name", ALL)
@given(z=matrices, gradient=matrices)
def test_backward_is_the_central_difference(name: str, z: np.ndarray, gradient: np.ndarray) -> None:
    expected = np.empty_like(z)
    h = 1e-6
    for place in np.ndindex(z.shape):
        step = np.zeros_like(z)
        step[place] = h
        expected[place] = ((forward(name, z + step) - forward(name, z - step)) * gradient).sum() / (2 * h)
    actual = gradient.copy()
    ALL[name].backward(kept(name, z), actual)
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-7)


@given(z=matrices, gradient=matrices)
def test_softmax_backward_is_the_product_with_its_full_jacobian(z: np.ndarray, gradient: np.ndarray) -> None:
    a = forward("softmax", z)
    expected = np.stack([(np.diag(row) - np.outer(row, row)).T @ g for row, g in zip(a, gradient, strict=True)])
    actual = gradient.copy()
    SOFTMAX.backward(a, actual)
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_inputs_neither_overflow_nor_warn(name: str, dtype: type) -> None:
    z = np.array([[-1e4, 0.0, 1e4]], dtype=dtype)
    out = forward(name, z)
    assert out.dtype == dtype
    assert np.isfinite(out).all()
    if name in ("sigmoid", "softmax"):
        assert out[0, 0] == 0
        assert out[0, 2] == 1

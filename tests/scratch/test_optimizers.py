"""Optimizer steps equal numbers worked by hand, and the steps of torch.optim."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mlplab.config import Optimizer
from mlplab.scratch.gradients import Gradient
from mlplab.scratch.optimizers import OPTIMIZERS
from mlplab.scratch.penalties import L2

# theta = 1, gradients 2 and then 4, learning rate 0.1:
#   sgd       1 - 0.1 * 2 = 0.8;  0.8 - 0.1 * 4 = 0.4
#   momentum  v = 2, 1 - 0.2 = 0.8;  v = 0.9 * 2 + 4 = 5.8, 0.8 - 0.58 = 0.22
#   adam      first step: m_hat = 2, v_hat = 4, so 0.1 * 2 / 2 = 0.1 (epsilon aside)
#             second: m = 0.9 * 0.2 + 0.4 = 0.58, m_hat = 0.58 / 0.19; v = 0.999 * 0.004 + 0.016 = 0.019996,
#             v_hat = 0.019996 / 0.001999
#   nesterov  v = 2, 1 - 0.1 * (2 + 1.8) = 0.62;  v = 5.8, 0.62 - 0.1 * (4 + 5.22) = -0.302
#   rmsprop   v = 0.01 * 4, 1 - 0.1 * 2 / 0.2 = 0;  v = 0.99 * 0.04 + 0.01 * 16, 0 - 0.1 * 4 / sqrt(v)
HAND_WORKED = {
    "sgd": [0.8, 0.4],
    "momentum": [0.8, 0.22],
    "nesterov": [0.62, -0.302],
    "rmsprop": [0.0, -0.4 / np.sqrt(0.1996)],
    "adam": [0.9, 0.9 - 0.1 * (0.58 / 0.19) / np.sqrt(0.019996 / 0.001999)],
    "adamw": [0.9, 0.9 - 0.1 * (0.58 / 0.19) / np.sqrt(0.019996 / 0.001999)],  # without a penalty it is Adam
}


def test_every_optimizer_of_the_config_exists() -> None:
    assert set(OPTIMIZERS) == set(Optimizer)


def gradient_of(theta: np.ndarray, gradient: np.ndarray) -> Gradient:
    """One row of inputs, all 1 (as for a bias): then delta is the gradient."""
    return Gradient(np.ones((1, 1)), gradient.reshape(1, -1).copy(), theta, None)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_two_steps_are_the_hand_worked_numbers(name: str) -> None:
    theta = np.array([[1.0]])
    optimizer = OPTIMIZERS[name]([theta])
    for gradient, expected in zip([2.0, 4.0], HAND_WORKED[name], strict=True):
        optimizer.step(0, gradient_of(theta, np.array([gradient])), 0.1)
        assert theta[0, 0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("weight_decay", [0.0, 0.05])
def test_a_hundred_steps_equal_those_of_torch(name: str, weight_decay: float) -> None:
    rng = np.random.default_rng(3)
    theta = rng.normal(size=(1, 50))
    twin = torch.from_numpy(theta.copy()).requires_grad_()
    optimizer = OPTIMIZERS[name]([theta])
    class_name, arguments = OPTIMIZERS[name].pytorch
    oracle = getattr(torch.optim, class_name)([twin], lr=0.1, weight_decay=weight_decay, **arguments)
    for _ in range(100):
        gradient = rng.normal(size=(1, 50))
        twin.grad = torch.from_numpy(gradient.copy())
        oracle.step()
        optimizer.step(0, replace(gradient_of(theta, gradient), penalty=L2(weight_decay)), 0.1)
    np.testing.assert_allclose(theta, twin.detach().numpy(), rtol=1e-10)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_restored_state_continues_exactly(name: str) -> None:
    rng = np.random.default_rng(5)
    gradients = rng.normal(size=(10, 8))
    theta, other = np.ones((1, 8)), np.zeros((1, 8))
    optimizer, restored = OPTIMIZERS[name]([theta]), OPTIMIZERS[name]([other])
    for gradient in gradients[:5]:
        optimizer.step(0, gradient_of(theta, gradient), 0.1)
    other[...] = theta
    for key, array in optimizer.state().items():
        restored.state()[key][...] = array
    for gradient in gradients[5:]:
        optimizer.step(0, gradient_of(theta, gradient), 0.1)
        restored.step(0, gradient_of(other, gradient), 0.1)
    np.testing.assert_array_equal(theta, other)

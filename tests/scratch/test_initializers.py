"""Initial weights follow the distributions that they are named after."""

import numpy as np
import pytest
import torch

from mlplab.scratch.initializers import INITIALIZERS, initialize

FAN_IN, FAN_OUT = 400, 300
BOUNDS = {"glorot": np.sqrt(6 / 700), "uniform": 0.05, "pytorch": 1 / 20}
DEVIATIONS = {"he": np.sqrt(2 / 400), "gaussian": 0.01}


@pytest.mark.parametrize("name", BOUNDS)
def test_uniform_weights_fill_their_interval(name: str) -> None:
    weights, _ = INITIALIZERS[name](np.random.default_rng(0), FAN_IN, FAN_OUT)
    assert weights.shape == (FAN_IN, FAN_OUT)
    assert np.abs(weights).max() <= BOUNDS[name]
    assert np.abs(weights).max() > 0.999 * BOUNDS[name]
    assert weights.std() == pytest.approx(BOUNDS[name] / np.sqrt(3), rel=0.01)


@pytest.mark.parametrize("name", DEVIATIONS)
def test_gaussian_weights_have_their_deviation(name: str) -> None:
    weights, _ = INITIALIZERS[name](np.random.default_rng(0), FAN_IN, FAN_OUT)
    assert weights.std() == pytest.approx(DEVIATIONS[name], rel=0.01)
    assert abs(weights.mean()) < 0.02 * DEVIATIONS[name]


@pytest.mark.parametrize("name", [name for name in INITIALIZERS if name != "pytorch"])
def test_biases_start_at_zero(name: str) -> None:
    _, biases = INITIALIZERS[name](np.random.default_rng(0), FAN_IN, FAN_OUT)
    np.testing.assert_array_equal(biases, np.zeros(FAN_OUT))


def test_pytorch_draws_like_a_linear_layer_of_torch() -> None:
    weights, biases = INITIALIZERS["pytorch"](np.random.default_rng(0), FAN_IN, FAN_OUT)
    linear = torch.nn.Linear(FAN_IN, FAN_OUT)
    assert weights.std() == pytest.approx(float(linear.weight.detach().std()), rel=0.02)
    assert np.abs(biases).max() == pytest.approx(float(linear.bias.detach().abs().max()), rel=0.05)


def test_the_same_seed_draws_the_same_layers_and_another_does_not() -> None:
    def draw(seed: int) -> np.ndarray:
        return initialize(INITIALIZERS["glorot"], np.random.default_rng(seed), [4, 3, 2])[1][0]

    np.testing.assert_array_equal(draw(0), draw(0))
    assert (draw(0) != draw(1)).all()

"""Backpropagation is the derivative of the whole objective, for every activation, loss and penalty."""

import tracemalloc

import numpy as np
import pytest

from mlplab.scratch.activations import ACTIVATIONS
from mlplab.scratch.initializers import INITIALIZERS, initialize
from mlplab.scratch.losses import LOSSES
from mlplab.scratch.network import Network
from mlplab.scratch.optimizers import OPTIMIZERS
from mlplab.scratch.penalties import PENALTIES

SIZES = [6, 5, 4, 3]
WEIGHT_DECAY = 0.05


def build(activation: str, sizes: list[int] = SIZES, dtype: type = np.float64, max_rows: int = 8) -> Network:
    layers = initialize(INITIALIZERS["pytorch"], np.random.default_rng(0), sizes)
    return Network(layers, ACTIVATIONS[activation], dtype, max_rows)


@pytest.mark.parametrize("penalty", ["none", *PENALTIES])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_is_the_central_difference(activation: str, loss: str, penalty: str) -> None:
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(8, SIZES[0])), rng.integers(0, SIZES[-1], 8)
    network = build(activation)
    weights = network.parameters_P[: network.weight_count]

    def objective() -> float:
        penalized = PENALTIES[penalty].value(weights, WEIGHT_DECAY) if penalty != "none" else 0.0
        return LOSSES[loss].forward(network.forward(x), labels) + penalized

    output = network.forward(x)
    LOSSES[loss].forward(output, labels)
    LOSSES[loss].backward(output, labels)
    network.backward(x, output)
    if penalty != "none":
        gradient = network.gradient_P[: network.weight_count]
        PENALTIES[penalty].add_gradient(weights, WEIGHT_DECAY, gradient, np.empty_like(weights))
    actual = network.gradient_P.copy()

    h = 1e-6
    expected = np.empty_like(actual)
    for i, parameter in enumerate(network.parameters_P.copy()):
        network.parameters_P[i] = parameter + h
        above = objective()
        network.parameters_P[i] = parameter - h
        below = objective()
        network.parameters_P[i] = parameter
        expected[i] = (above - below) / (2 * h)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-8)


def test_penalties_are_their_formulas() -> None:
    weights = np.array([1.0, -2.0, 0.0, 3.0])
    assert PENALTIES["l1"].value(weights, 0.1) == pytest.approx(0.6)
    assert PENALTIES["l2"].value(weights, 0.1) == pytest.approx(0.7)


def test_rows_pass_independently_in_batches_of_any_size() -> None:
    network = build("tanh")
    x = np.random.default_rng(2).normal(size=(8, SIZES[0]))
    whole = network.forward(x).copy()
    for start, stop in [(0, 1), (1, 4), (4, 8)]:
        np.testing.assert_allclose(network.forward(x[start:stop]), whole[start:stop], rtol=1e-12)


def test_parameters_are_one_vector_and_layers_are_views_of_it() -> None:
    network = build("relu")
    network.parameters_P[...] = np.arange(len(network.parameters_P))
    assert [W.shape for W in network.weights] == [(6, 5), (5, 4), (4, 3)]
    assert network.weights[0][0, 0] == 0
    assert network.biases[-1][-1] == len(network.parameters_P) - 1
    assert network.weight_count == 6 * 5 + 5 * 4 + 4 * 3


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_what_a_step_allocates_does_not_grow_with_the_layers(activation: str, optimizer: str) -> None:
    narrow, wide = (allocated_by_a_step(activation, optimizer, width) for width in (200, 800))
    assert wide - narrow < 2_000
    assert wide < 64 * 800 * 4 / 2  # bytes: half of what one layer's activations take


def allocated_by_a_step(activation: str, optimizer: str, width: int) -> int:
    rng = np.random.default_rng(0)
    network = build(activation, [784, width, width, 10], np.float32, max_rows=64)
    x, labels = rng.normal(size=(64, 784)).astype(np.float32), rng.integers(0, 10, 64)
    update = OPTIMIZERS[optimizer](network.parameters_P)

    def step() -> None:
        output = network.forward(x)
        LOSSES["cross_entropy"].forward(output, labels)
        LOSSES["cross_entropy"].backward(output, labels)
        network.backward(x, output)
        update.step(network.gradient_P, 0.01)

    step()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - before

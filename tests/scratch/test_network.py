"""Backpropagation is the derivative of the whole objective, for every activation, loss and penalty."""

import tracemalloc

import numpy as np
import pytest

from mlplab.scratch.activations import ACTIVATIONS
from mlplab.scratch.gradients import Gradient
from mlplab.scratch.initializers import INITIALIZERS, initialize
from mlplab.scratch.losses import LOSSES
from mlplab.scratch.network import Network
from mlplab.scratch.optimizers import OPTIMIZERS
from mlplab.scratch.penalties import L1, L2, PENALTIES, Penalty

SIZES = [6, 5, 4, 3]
WEIGHT_DECAY = 0.05


def build(
    activation: str, sizes: list[int] = SIZES, dtype: type = np.float64, max_rows: int = 8, penalty: str = "none"
) -> Network:
    layers = initialize(INITIALIZERS["pytorch"], np.random.default_rng(0), sizes)
    return Network(layers, ACTIVATIONS[activation], dtype, max_rows, penalize(penalty))


def penalize(penalty: str) -> Penalty | None:
    rule = PENALTIES[penalty]
    return None if rule is None else rule(WEIGHT_DECAY)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_is_the_central_difference(activation: str, loss: str, penalty: str) -> None:
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(8, SIZES[0])), rng.integers(0, SIZES[-1], 8)
    network = build(activation, penalty=penalty)

    def objective() -> float:
        penalized = sum(map(network.penalty.value, network.weights)) if network.penalty else 0.0
        return LOSSES[loss].forward(network.forward(x), labels) + penalized

    output = network.forward(x)
    LOSSES[loss].forward(output, labels)
    LOSSES[loss].backward(output, labels)
    actual = {}
    for index, gradient in network.backward(x, output):
        actual[index] = np.zeros_like(network.parameters[index])
        gradient.add_to(actual[index])
    assert sorted(actual) == list(range(len(network.parameters)))

    h = 1e-6
    for index, parameters in enumerate(network.parameters):
        expected = np.empty_like(parameters)
        for i, parameter in np.ndenumerate(parameters.copy()):
            parameters[i] = parameter + h
            above = objective()
            parameters[i] = parameter - h
            below = objective()
            parameters[i] = parameter
            expected[i] = (above - below) / (2 * h)
        np.testing.assert_allclose(actual[index], expected, rtol=1e-5, atol=1e-8)


def test_parameters_may_be_updated_as_soon_as_their_gradient_comes() -> None:
    rng = np.random.default_rng(1)
    x, delta = rng.normal(size=(8, SIZES[0])), rng.normal(size=(8, SIZES[-1]))
    at_once, afterwards = build("tanh"), build("tanh")
    at_once.forward(x)
    for _, gradient in at_once.backward(x, delta):
        gradient.add_to(gradient.theta_IO, scale=-0.1)
    afterwards.forward(x)
    gradients = {}
    for index, gradient in afterwards.backward(x, delta):
        gradients[index] = np.zeros_like(gradient.theta_IO)
        gradient.add_to(gradients[index])
    for index, updated in enumerate(at_once.parameters):
        np.testing.assert_allclose(updated, afterwards.parameters[index] - 0.1 * gradients[index], rtol=1e-12)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("keep", [0.0, 0.5, 1.0])
def test_a_gradient_adds_itself_to_any_array_and_to_its_own_parameters(keep: float, penalty: str) -> None:
    rng = np.random.default_rng(2)
    a, delta, theta, out = (rng.normal(size=shape) for shape in [(4, 3), (4, 2), (3, 2), (3, 2)])
    share = {"none": 0, "l1": np.sign(theta), "l2": theta}[penalty]
    expected = a.T @ delta + WEIGHT_DECAY * share
    gradient = Gradient(a, delta, theta, penalize(penalty))
    before = out.copy()
    if keep == 0:
        out[0, 0] = np.nan
    gradient.add_to(out, scale=-0.1, keep=keep)
    np.testing.assert_allclose(out, keep * before - 0.1 * expected, rtol=1e-12)
    before = theta.copy()
    gradient.add_to(theta, scale=-0.1)
    np.testing.assert_allclose(theta, before - 0.1 * expected, rtol=1e-12)


def test_penalties_are_their_formulas() -> None:
    weights = np.array([[1.0, -2.0], [0.0, 3.0]])
    assert L1(0.1).value(weights) == pytest.approx(0.6)
    assert L2(0.1).value(weights) == pytest.approx(0.7)


def test_rows_pass_independently_in_batches_of_any_size() -> None:
    network = build("tanh")
    x = np.random.default_rng(2).normal(size=(8, SIZES[0]))
    whole = network.forward(x).copy()
    for start, stop in [(0, 1), (1, 4), (4, 8)]:
        np.testing.assert_allclose(network.forward(x[start:stop]), whole[start:stop], rtol=1e-12)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_what_a_step_allocates_is_a_few_rows_and_never_as_large_as_weights(activation: str, optimizer: str) -> None:
    activations_of_a_layer = 64 * 800 * 4  # bytes
    assert allocated_by_a_step(activation, optimizer, 800) < 3.5 * activations_of_a_layer < 800 * 800 * 4


# Their formulas need an array beside the one that they are written into.
WITH_TEMPORARIES = {"leaky_relu", "elu", "gelu", "silu"}


@pytest.mark.parametrize("activation", sorted(set(ACTIVATIONS) - WITH_TEMPORARIES))
def test_without_temporaries_it_does_not_grow_with_the_layers(activation: str) -> None:
    narrow, wide = (allocated_by_a_step(activation, "sgd", width) for width in (200, 800))
    assert wide - narrow < 2_000


def allocated_by_a_step(activation: str, optimizer: str, width: int) -> int:
    rng = np.random.default_rng(0)
    network = build(activation, [784, width, width, 10], np.float32, max_rows=64)
    x, labels = rng.normal(size=(64, 784)).astype(np.float32), rng.integers(0, 10, 64)
    update = OPTIMIZERS[optimizer](network.parameters)

    def step() -> None:
        output = network.forward(x)
        LOSSES["cross_entropy"].forward(output, labels)
        LOSSES["cross_entropy"].backward(output, labels)
        for index, gradient in network.backward(x, output):
            update.step(index, gradient, 0.01)

    step()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - before

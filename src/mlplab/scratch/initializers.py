"""Initial parameters. Each function draws one layer: weights of shape (fan_in, fan_out), biases of shape (fan_out,).

Always drawn in float64, so that a float32 and a float64 network start from the same numbers.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Layer = tuple[NDArray[np.float64], NDArray[np.float64]]
Initializer = Callable[[np.random.Generator, int, int], Layer]


def glorot(rng: np.random.Generator, fan_in: int, fan_out: int) -> Layer:
    """W ~ U(-M, M) with M = sqrt(6 / (fan_in + fan_out)), b = 0. Glorot and Bengio, AISTATS 2010, eq. 16."""
    bound = sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-bound, bound, (fan_in, fan_out)), np.zeros(fan_out)


def he(rng: np.random.Generator, fan_in: int, fan_out: int) -> Layer:
    """W ~ N(0, 2 / fan_in), b = 0. He, Zhang, Ren and Sun, ICCV 2015, eq. 10: keeps the variance through relu."""
    return rng.normal(0, sqrt(2 / fan_in), (fan_in, fan_out)), np.zeros(fan_out)


def uniform(rng: np.random.Generator, fan_in: int, fan_out: int) -> Layer:
    """W ~ U(-0.05, 0.05) whatever the layer's size, b = 0. The bound is the default of Keras' RandomUniform."""
    return rng.uniform(-0.05, 0.05, (fan_in, fan_out)), np.zeros(fan_out)


def gaussian(rng: np.random.Generator, fan_in: int, fan_out: int) -> Layer:
    """W ~ N(0, 0.01**2) whatever the layer's size, b = 0. Small random numbers, as Stanford's CS231n starts with."""
    return rng.normal(0, 0.01, (fan_in, fan_out)), np.zeros(fan_out)


def pytorch(rng: np.random.Generator, fan_in: int, fan_out: int) -> Layer:
    """W and b ~ U(-M, M) with M = 1 / sqrt(fan_in): what torch.nn.Linear does."""
    bound = 1 / sqrt(fan_in)
    return rng.uniform(-bound, bound, (fan_in, fan_out)), rng.uniform(-bound, bound, fan_out)


INITIALIZERS: dict[str, Initializer] = {
    "glorot": glorot,
    "he": he,
    "uniform": uniform,
    "gaussian": gaussian,
    "pytorch": pytorch,
}


def initialize(initializer: Initializer, rng: np.random.Generator, layer_sizes: Sequence[int]) -> list[Layer]:
    """Draw all layers of a network with these sizes (inputs first, classes last), first layer first."""
    return [initializer(rng, fan_in, fan_out) for fan_in, fan_out in pairwise(layer_sizes)]

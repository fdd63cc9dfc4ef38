"""The problem that every contender solves: the same network, batches, data and optimizer."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

ROWS = 60_000
LEARNING_RATE = {"sgd": 0.01, "adam": 0.001}

Train = Callable[[int], None]  # takes the number of steps to train


@dataclass(frozen=True)
class Problem:
    """Random data of MNIST's shape: speed depends on shapes, not on the content of the images."""

    activation: str
    optimizer: str
    batch_size: int
    sizes: tuple[int, ...]
    images: NDArray[np.float32]
    labels: NDArray[np.int64]

    @classmethod
    def draw(cls, activation: str, optimizer: str, batch_size: int = 64, width: int = 1) -> "Problem":
        """Return the baseline's problem, its hidden layers ``width`` times as wide."""
        rng = np.random.default_rng(0)
        sizes = (784, 500 * width, 250 * width, 100 * width, 10)
        images = rng.random((ROWS, sizes[0]), dtype=np.float32)
        return cls(activation, optimizer, batch_size, sizes, images, rng.integers(0, sizes[-1], ROWS))

    @property
    def learning_rate(self) -> float:
        """The learning rate for its optimizer."""
        return LEARNING_RATE[self.optimizer]

    def layers(self, dtype: str = "float32") -> list[tuple[NDArray[np.floating], NDArray[np.floating]]]:
        """Return Glorot uniform weights and zero biases."""
        rng = np.random.default_rng(0)
        bounds = [(6 / (fan_in + fan_out)) ** 0.5 for fan_in, fan_out in pairwise(self.sizes)]
        return [
            (rng.uniform(-bound, bound, shape).astype(dtype), np.zeros(shape[1], dtype))
            for bound, shape in zip(bounds, pairwise(self.sizes), strict=True)
        ]

    def batches(self, steps: int) -> list[NDArray[np.int64]]:
        """Return the rows of ``steps`` batches, every epoch in a new random order.

        All batches have the same size: libraries that compile would compile again for a smaller last batch.
        """
        rng = np.random.default_rng(0)
        whole = ROWS // self.batch_size * self.batch_size
        batches: list[NDArray[np.int64]] = []
        while len(batches) < steps:
            order = rng.permutation(ROWS)
            batches += np.split(order[:whole], whole // self.batch_size)
        return batches[:steps]

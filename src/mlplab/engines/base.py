"""What an engine is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlplab.scratch.network import Layers

State = dict[str, NDArray[Any]]

EVALUATION_ROWS = 2_000  # rows evaluated at once: large enough to keep the matrix products busy


@dataclass(frozen=True)
class Evaluation:
    """A whole split, evaluated.

    Attributes:
        loss: mean over all rows, without the penalty.
        predictions: the most likely class of each row, int64, shape (N,).
        accuracy: fraction of rows predicted right, in [0, 1].
    """

    loss: float
    predictions: NDArray[np.int64]
    accuracy: float


@dataclass(frozen=True)
class Probe:
    """One batch, seen from inside the network.

    Attributes:
        gradients: of the loss, without the penalty, in the weights of every layer: each (I, O), first layer first.
        kept: what the derivative of the activation is written through, of every hidden layer: its inputs z where it
            needs them, otherwise its outputs a; each (B, O).
    """

    gradients: list[NDArray[Any]]
    kept: list[NDArray[Any]]


class Engine(ABC):
    """A network, an optimizer and the data, bound together once; then trained window by window."""

    @property
    @abstractmethod
    def device(self) -> str:
        """Where it computes: cpu, cuda or mps."""

    @abstractmethod
    def train_window(
        self, batches: Sequence[NDArray[np.int64]], learning_rates: Sequence[float]
    ) -> NDArray[np.float64]:
        """Update the parameters once per batch, in order.

        A whole window at once, so that synchronisation with a device is paid once and not per step.

        Args:
            batches: rows of the training split, each int64 of shape (B,); B may differ.
            learning_rates: one per batch.

        Returns:
            The loss of each batch before its update, without the penalty; shape (len(batches),).
        """

    @abstractmethod
    def evaluate(self, split: str) -> Evaluation:
        """Evaluate the split of that name (train, val, test)."""

    @abstractmethod
    def probe(self, rows_B: NDArray[np.int64]) -> Probe:
        """Pass these rows of the training split, at most one batch, forward and backward; nothing is updated."""

    @abstractmethod
    def penalty(self) -> float:
        """Return what the penalty adds to the loss now; 0 where there is none."""

    @abstractmethod
    def layers(self) -> Layers:
        """Return copies of weights (I, O) and biases (O,), first layer first."""

    @abstractmethod
    def state(self) -> State:
        """Return copies of everything that the next update depends on: parameters and optimizer state."""

    @abstractmethod
    def restore(self, state: State) -> None:
        """Go on exactly from where :meth:`state` was taken, from an engine built with the same config."""

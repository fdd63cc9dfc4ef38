"""The interface of an engine."""

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
    """What diagnostics need of one batch.

    Attributes:
        gradients: of the loss, without the penalty, with respect to the weights; each of the shape that
            :meth:`Engine.weights` has, first layer first.
        kept: what the activation of each hidden layer of an mlp needs for its derivative: its inputs z or its outputs
            a; each (B, O), first layer first. Of another network empty.
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

        It takes a whole window of batches, so that the device is synchronised once and not at every step.

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
        """Pass these rows of the training split, at most one batch, forward and backward, without an update."""

    @abstractmethod
    def penalty(self) -> float:
        """Return what the penalty now adds to the loss; 0 without a penalty."""

    @abstractmethod
    def weights(self) -> list[NDArray[Any]]:
        """Return copies of the weights of every layer, first layer first: of an mlp each (I, O)."""

    @abstractmethod
    def state(self) -> State:
        """Return copies of everything that the next update depends on: parameters and optimizer state."""

    @abstractmethod
    def restore(self, state: State) -> None:
        """Continue exactly from a :meth:`state` of an engine that was built with the same config."""


class MlpEngine(Engine):
    """An engine of the built-in network."""

    @abstractmethod
    def layers(self) -> Layers:
        """Return copies of weights (I, O) and biases (O,), first layer first."""

    def weights(self) -> list[NDArray[Any]]:
        return [W_IO for W_IO, _ in self.layers()]

"""Penalties on the weights (never on the biases), added to the loss with a factor lambda, the weight decay."""

from abc import ABC, abstractmethod
from typing import final

import numpy as np

from mlplab.scratch.products import Floats, add


class Penalty(ABC):
    """A cost of large weights."""

    def __init__(self, weight_decay: float) -> None:
        """Keep lambda, the factor in the loss."""
        self.weight_decay = weight_decay

    @abstractmethod
    def value(self, weights_IO: Floats) -> float:
        """Return the penalty of one layer's weights."""

    @abstractmethod
    def add_gradient(self, weights_IO: Floats, out_IO: Floats, scale: float) -> None:
        """Add ``scale`` times the penalty's gradient to ``out``, in place; ``out`` may be the weights themselves."""


@final
class L1(Penalty):
    """lambda * sum |w|: pulls every weight towards 0 by the same amount, so that many become 0."""

    def value(self, weights_IO: Floats) -> float:
        return self.weight_decay * float(np.abs(weights_IO).sum(dtype=np.float64))

    def add_gradient(self, weights_IO: Floats, out_IO: Floats, scale: float) -> None:
        add(np.sign(weights_IO), out_IO, scale * self.weight_decay)


@final
class L2(Penalty):
    """lambda / 2 * sum w**2: its gradient lambda * w shrinks each weight in proportion ("weight decay")."""

    def value(self, weights_IO: Floats) -> float:
        return 0.5 * self.weight_decay * float(np.square(weights_IO, dtype=np.float64).sum())

    def add_gradient(self, weights_IO: Floats, out_IO: Floats, scale: float) -> None:
        if out_IO is weights_IO:  # plain gradient descent: one pass instead of two
            out_IO *= 1 + scale * self.weight_decay
        else:
            add(weights_IO, out_IO, scale * self.weight_decay)


PENALTIES: dict[str, type[Penalty] | None] = {"none": None, "l1": L1, "l2": L2}

"""Penalties on the weights (never on the biases), added to the loss with a factor lambda, the weight decay."""

from abc import ABC, abstractmethod
from typing import final

import numpy as np

from mlplab.scratch.activations import Floats


class Penalty(ABC):
    """A cost of large weights."""

    @abstractmethod
    def value(self, weights_P: Floats, weight_decay: float) -> float:
        """Return the penalty of all weights, one flat vector."""

    @abstractmethod
    def add_gradient(self, weights_P: Floats, weight_decay: float, gradient_P: Floats, work_P: Floats) -> None:
        """Add the penalty's gradient to ``gradient_P``. ``work_P``, of the same shape, is overwritten."""


@final
class L1(Penalty):
    """lambda * sum |w|: pulls every weight towards 0 by the same amount, so many end there."""

    def value(self, weights_P: Floats, weight_decay: float) -> float:
        return weight_decay * float(np.abs(weights_P).sum(dtype=np.float64))

    def add_gradient(self, weights_P: Floats, weight_decay: float, gradient_P: Floats, work_P: Floats) -> None:
        np.sign(weights_P, out=work_P)
        work_P *= weight_decay
        gradient_P += work_P


@final
class L2(Penalty):
    """lambda / 2 * sum w**2: its gradient lambda * w shrinks each weight in proportion ("weight decay")."""

    def value(self, weights_P: Floats, weight_decay: float) -> float:
        return 0.5 * weight_decay * float(np.square(weights_P, dtype=np.float64).sum())

    def add_gradient(self, weights_P: Floats, weight_decay: float, gradient_P: Floats, work_P: Floats) -> None:
        np.multiply(weights_P, weight_decay, out=work_P)
        gradient_P += work_P


PENALTIES: dict[str, Penalty] = {"l1": L1(), "l2": L2()}

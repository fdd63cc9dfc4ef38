"""Optimizers: how a gradient becomes a step. All work in place on one flat vector of parameters.

The constants are PyTorch's defaults, so that a run with either engine is the same run, up to rounding.
"""

from abc import ABC, abstractmethod
from math import sqrt
from typing import final

import numpy as np
from numpy.typing import NDArray

from mlplab.scratch.activations import Floats

MOMENTUM = 0.9
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Optimizer(ABC):
    """A rule for the next step. What it remembers between steps is its state."""

    def __init__(self, parameters_P: Floats) -> None:
        """Work on ``parameters_P``, in place: float vector, shape (P,)."""
        self.parameters_P = parameters_P

    @abstractmethod
    def step(self, gradient_P: Floats, learning_rate: float) -> None:
        """Update the parameters. ``gradient_P``, shape (P,), serves as work space and is overwritten."""

    @abstractmethod
    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return the arrays that the next step depends on (the live ones: restore by writing into them)."""


@final
class GradientDescent(Optimizer):
    """theta <- theta - eta g."""

    def step(self, gradient_P: Floats, learning_rate: float) -> None:
        gradient_P *= learning_rate
        self.parameters_P -= gradient_P

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {}


@final
class Momentum(Optimizer):
    """v <- mu v + g, theta <- theta - eta v: Polyak's heavy ball, as in torch.optim.SGD(momentum=0.9)."""

    def __init__(self, parameters_P: Floats) -> None:
        super().__init__(parameters_P)
        self.velocity_P = np.zeros_like(parameters_P)

    def step(self, gradient_P: Floats, learning_rate: float) -> None:
        self.velocity_P *= MOMENTUM
        self.velocity_P += gradient_P
        np.multiply(self.velocity_P, learning_rate, out=gradient_P)
        self.parameters_P -= gradient_P

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {"velocity": self.velocity_P}


@final
class Adam(Optimizer):
    """Kingma and Ba, ICLR 2015, algorithm 1.

    m <- beta_1 m + (1 - beta_1) g        the gradient, averaged
    v <- beta_2 v + (1 - beta_2) g**2     its square, averaged
    theta <- theta - eta * m_hat / (sqrt(v_hat) + epsilon)

    with m_hat = m / (1 - beta_1**t) and v_hat = v / (1 - beta_2**t): both averages start at 0, and without that
    correction the first steps would be too small.
    """

    def __init__(self, parameters_P: Floats) -> None:
        super().__init__(parameters_P)
        self.m_P = np.zeros_like(parameters_P)
        self.v_P = np.zeros_like(parameters_P)
        self.t = np.zeros((), dtype=np.int64)
        self._work_P = np.empty_like(parameters_P)

    def step(self, gradient_P: Floats, learning_rate: float) -> None:
        self.t += 1
        t = int(self.t)
        work_P = self._work_P

        self.m_P *= BETA_1
        np.multiply(gradient_P, 1 - BETA_1, out=work_P)
        self.m_P += work_P

        self.v_P *= BETA_2
        gradient_P *= gradient_P
        gradient_P *= 1 - BETA_2
        self.v_P += gradient_P

        denominator_P = np.sqrt(self.v_P, out=gradient_P)
        denominator_P /= sqrt(1 - BETA_2**t)
        denominator_P += EPSILON
        np.divide(self.m_P, denominator_P, out=work_P)
        work_P *= learning_rate / (1 - BETA_1**t)
        self.parameters_P -= work_P

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {"m": self.m_P, "v": self.v_P, "t": self.t}


OPTIMIZERS: dict[str, type[Optimizer]] = {"gd": GradientDescent, "momentum": Momentum, "adam": Adam}

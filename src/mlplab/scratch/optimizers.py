"""Optimizers: how a gradient becomes a step, in place.

The constants are PyTorch's defaults, so that a run with either engine is the same run, up to rounding.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from mlplab.scratch.gradients import Gradient
from mlplab.scratch.penalties import L2
from mlplab.scratch.products import Floats, add

MOMENTUM = 0.9
ALPHA = 0.99
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Optimizer(ABC):
    """A rule for the next step of each array of parameters. What it remembers between steps is its state.

    Attributes:
        pytorch: the same rule in torch.optim: a class, and its arguments.
    """

    pytorch: ClassVar[tuple[str, dict[str, Any]]]

    @abstractmethod
    def __init__(self, parameters: Sequence[Floats]) -> None:
        """Prepare for arrays of these shapes and dtypes."""

    @abstractmethod
    def step(self, index: int, gradient: Gradient, learning_rate: float) -> None:
        """Update the parameters of this gradient, which are the array number ``index``."""

    @abstractmethod
    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return the arrays that the next step depends on (the live ones: restore by writing into them)."""


class WorkSpace:
    """Room for an array as large as any of the parameters, allocated once."""

    def __init__(self, parameters: Sequence[Floats]) -> None:
        self._room = np.empty_like(max(parameters, key=np.size)).reshape(-1)

    def like(self, array: Floats) -> Floats:
        """Return room of this shape, with whatever was written into it before."""
        return self._room[: array.size].reshape(array.shape)


@final
class GradientDescent(Optimizer):
    """theta <- theta - eta g: on minibatches, stochastic gradient descent."""

    pytorch = "SGD", {}

    def __init__(self, parameters: Sequence[Floats]) -> None:
        pass

    def step(self, index: int, gradient: Gradient, learning_rate: float) -> None:  # noqa: ARG002
        gradient.add_to(gradient.theta_IO, scale=-learning_rate)

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {}


@final
class Momentum(Optimizer):
    """v <- mu v + g, theta <- theta - eta v: Polyak's heavy ball, as in torch.optim.SGD(momentum=0.9)."""

    pytorch = "SGD", {"momentum": MOMENTUM}

    def __init__(self, parameters: Sequence[Floats]) -> None:
        self._velocities = [np.zeros_like(theta) for theta in parameters]

    def step(self, index: int, gradient: Gradient, learning_rate: float) -> None:
        velocity_IO = self._velocities[index]
        gradient.add_to(velocity_IO, keep=MOMENTUM)
        add(velocity_IO, gradient.theta_IO, scale=-learning_rate)

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {f"velocity.{i}": array for i, array in enumerate(self._velocities)}


@final
class Nesterov(Optimizer):
    """v <- mu v + g, theta <- theta - eta (g + mu v): momentum that looks ahead, as in torch.optim.SGD(nesterov=True).

    Sutskever, Martens, Dahl and Hinton, ICML 2013, section 2, in PyTorch's arrangement.
    """

    pytorch = "SGD", {"momentum": MOMENTUM, "nesterov": True}

    def __init__(self, parameters: Sequence[Floats]) -> None:
        self._velocities = [np.zeros_like(theta) for theta in parameters]
        self._work = WorkSpace(parameters)

    def step(self, index: int, gradient: Gradient, learning_rate: float) -> None:
        velocity_IO, work_IO = self._velocities[index], self._work.like(gradient.theta_IO)
        gradient.add_to(work_IO, keep=0.0)
        velocity_IO *= MOMENTUM
        velocity_IO += work_IO
        add(velocity_IO, work_IO, scale=MOMENTUM)
        add(work_IO, gradient.theta_IO, scale=-learning_rate)

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {f"velocity.{i}": array for i, array in enumerate(self._velocities)}


@final
class RmsProp(Optimizer):
    """v <- alpha v + (1 - alpha) g**2, theta <- theta - eta g / (sqrt(v) + epsilon).

    Tieleman and Hinton, Coursera lecture 6.5, 2012; the constants are those of torch.optim.RMSprop.
    """

    pytorch = "RMSprop", {"alpha": ALPHA, "eps": EPSILON}

    def __init__(self, parameters: Sequence[Floats]) -> None:
        self._vs = [np.zeros_like(theta) for theta in parameters]
        self._gradient, self._work = WorkSpace(parameters), WorkSpace(parameters)

    def step(self, index: int, gradient: Gradient, learning_rate: float) -> None:
        v_IO, theta_IO = self._vs[index], gradient.theta_IO
        gradient_IO, work_IO = self._gradient.like(theta_IO), self._work.like(theta_IO)
        gradient.add_to(gradient_IO, keep=0.0)
        np.multiply(gradient_IO, gradient_IO, out=work_IO)
        v_IO *= ALPHA
        add(work_IO, v_IO, scale=1 - ALPHA)
        denominator_IO = np.sqrt(v_IO, out=work_IO)
        denominator_IO += EPSILON
        gradient_IO /= denominator_IO
        add(gradient_IO, theta_IO, scale=-learning_rate)

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {f"v.{i}": array for i, array in enumerate(self._vs)}


@final
class Adam(Optimizer):
    """Kingma and Ba, ICLR 2015, algorithm 1.

    m <- beta_1 m + (1 - beta_1) g        the gradient, averaged
    v <- beta_2 v + (1 - beta_2) g**2     its square, averaged
    theta <- theta - eta * m_hat / (sqrt(v_hat) + epsilon)

    with m_hat = m / (1 - beta_1**t) and v_hat = v / (1 - beta_2**t): both averages start at 0, and without that
    correction the first steps would be too small.

    Kept here are the sums M = m / (1 - beta_1) and V = v / (1 - beta_2): M <- beta_1 M + g and V <- beta_2 V + g**2
    are two passes over memory fewer, and what was left out are factors of the step and of epsilon.
    """

    pytorch = "Adam", {"betas": (BETA_1, BETA_2), "eps": EPSILON}

    def __init__(self, parameters: Sequence[Floats]) -> None:
        self._Ms = [np.zeros_like(theta) for theta in parameters]
        self._Vs = [np.zeros_like(theta) for theta in parameters]
        self._t = np.zeros(len(parameters), dtype=np.int64)
        self._work = WorkSpace(parameters)

    def step(self, index: int, gradient: Gradient, learning_rate: float) -> None:
        M_IO, V_IO = self._Ms[index], self._Vs[index]
        self._t[index] += 1
        t = int(self._t[index])

        work_IO = self._work.like(M_IO)
        gradient.add_to(work_IO, keep=0.0)
        M_IO *= BETA_1
        M_IO += work_IO
        work_IO *= work_IO
        V_IO *= BETA_2
        V_IO += work_IO

        # m_hat = M * m_factor, sqrt(v_hat) = sqrt(V) * v_factor
        m_factor = (1 - BETA_1) / (1 - BETA_1**t)
        v_factor = sqrt((1 - BETA_2) / (1 - BETA_2**t))
        denominator_IO = np.sqrt(V_IO, out=work_IO)
        denominator_IO += EPSILON / v_factor
        step_IO = np.divide(M_IO, denominator_IO, out=work_IO)
        add(step_IO, gradient.theta_IO, scale=-learning_rate * m_factor / v_factor)

    def state(self) -> dict[str, NDArray[np.generic]]:
        sums = {f"M.{i}": array for i, array in enumerate(self._Ms)}
        return {**sums, **{f"V.{i}": array for i, array in enumerate(self._Vs)}, "t": self._t}


@final
class AdamW(Optimizer):
    """Adam, with an L2 penalty that shrinks the weights directly: theta <- (1 - eta lambda) theta, then Adam's step.

    Loshchilov and Hutter, ICLR 2019, algorithm 2: the decay does not pass through the averages, so that weights with
    large gradients decay as much as others. An L1 penalty stays in the gradient.
    """

    pytorch = "AdamW", {"betas": (BETA_1, BETA_2), "eps": EPSILON}

    def __init__(self, parameters: Sequence[Floats]) -> None:
        self._adam = Adam(parameters)

    def step(self, index: int, gradient: Gradient, learning_rate: float) -> None:
        if isinstance(gradient.penalty, L2):
            gradient.penalty.add_gradient(gradient.theta_IO, gradient.theta_IO, scale=-learning_rate)
            gradient = replace(gradient, penalty=None)
        self._adam.step(index, gradient, learning_rate)

    def state(self) -> dict[str, NDArray[np.generic]]:
        return self._adam.state()


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": GradientDescent,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "rmsprop": RmsProp,
    "adam": Adam,
    "adamw": AdamW,
}

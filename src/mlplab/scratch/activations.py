"""Activation functions f and their derivatives, element by element (softmax: row by row).

Where it can be, the derivative is written through the output ``a = f(z)``, so that the input ``z`` need not be kept:
sigmoid' = a (1 - a), tanh' = 1 - a**2, relu' = [a > 0].

A saved model carries a copy of this file: it imports nothing of mlplab when it runs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import pi, sqrt
from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

import numpy as np
from scipy.special import ndtr

if TYPE_CHECKING:
    from mlplab.scratch.products import Floats


class Activation(ABC):
    """A function of the pre-activations, and the way its gradient passes back.

    Attributes:
        pytorch: the same function in torch.nn: a class, and its arguments.
        needs_input: whether the derivative is written through z; otherwise it is written through a = f(z).
        largest_slope: the largest absolute value of the derivative.
        unresponsive: what a unit is whose derivative has nearly vanished: ``saturated`` where that happens row by row,
            ``dead`` where it matters once it happens for every row; None where it cannot happen.
    """

    pytorch: ClassVar[tuple[str, dict[str, Any]]]
    needs_input: ClassVar[bool] = False
    largest_slope: ClassVar[float] = 1.0
    unresponsive: ClassVar[Literal["saturated", "dead"] | None] = None

    @abstractmethod
    def forward(self, z_BO: Floats) -> None:
        """Turn the pre-activations z into the activations f(z), in place. Any float dtype, shape (B, O)."""

    @abstractmethod
    def backward(self, kept_BO: Floats, gradient_BO: Floats) -> None:
        """Turn dL/da into dL/dz, in place.

        Args:
            kept_BO: z where the derivative needs the input, otherwise a = f(z); shape (B, O). May be overwritten: in
                backpropagation this is the last time it is needed.
            gradient_BO: dL/da, of the same shape.
        """


@final
class Sigmoid(Activation):
    """f(z) = 1 / (1 + exp(-z))."""

    pytorch = "Sigmoid", {}
    largest_slope = 0.25
    unresponsive = "saturated"

    def forward(self, z_BO: Floats) -> None:
        # The same function as (1 + tanh(z / 2)) / 2: no exp that overflows, and fewer passes over memory.
        z_BO *= 0.5
        np.tanh(z_BO, out=z_BO)
        z_BO += 1
        z_BO *= 0.5

    def backward(self, a_BO: Floats, gradient_BO: Floats) -> None:
        gradient_BO *= a_BO
        np.subtract(1, a_BO, out=a_BO)
        gradient_BO *= a_BO


@final
class Tanh(Activation):
    """f(z) = tanh(z)."""

    pytorch = "Tanh", {}
    unresponsive = "saturated"

    def forward(self, z_BO: Floats) -> None:
        np.tanh(z_BO, out=z_BO)

    def backward(self, a_BO: Floats, gradient_BO: Floats) -> None:
        a_BO *= a_BO
        np.subtract(1, a_BO, out=a_BO)
        gradient_BO *= a_BO


@final
class Relu(Activation):
    """f(z) = max(z, 0); the derivative at 0 is taken as 0, as PyTorch takes it."""

    pytorch = "ReLU", {}
    unresponsive = "dead"

    def forward(self, z_BO: Floats) -> None:
        np.maximum(z_BO, 0, out=z_BO)

    def backward(self, a_BO: Floats, gradient_BO: Floats) -> None:
        np.greater(a_BO, 0, out=a_BO)  # the derivative: 0 or 1. np.sign is the same and branches: 10 times as long
        gradient_BO *= a_BO


@final
class LeakyRelu(Activation):
    """f(z) = z where z > 0, otherwise z / 100. Maas, Hannun and Ng, ICML 2013: no unit dies."""

    pytorch = "LeakyReLU", {"negative_slope": 0.01}

    def forward(self, z_BO: Floats) -> None:
        np.maximum(z_BO, 0.01 * z_BO, out=z_BO)

    def backward(self, a_BO: Floats, gradient_BO: Floats) -> None:
        np.greater(a_BO, 0, out=a_BO)
        np.maximum(a_BO, 0.01, out=a_BO)
        gradient_BO *= a_BO


@final
class Elu(Activation):
    """f(z) = z where z > 0, otherwise exp(z) - 1. Clevert, Unterthiner and Hochreiter, ICLR 2016, with alpha = 1."""

    pytorch = "ELU", {"alpha": 1.0}
    unresponsive = "saturated"

    def forward(self, z_BO: Floats) -> None:
        negative_BO = np.minimum(z_BO, 0)
        np.expm1(negative_BO, out=negative_BO)
        np.maximum(z_BO, 0, out=z_BO)
        z_BO += negative_BO

    def backward(self, a_BO: Floats, gradient_BO: Floats) -> None:
        # Where z <= 0 the derivative is exp(z) = a + 1.
        np.minimum(a_BO, 0, out=a_BO)
        a_BO += 1
        gradient_BO *= a_BO


@final
class Gelu(Activation):
    """f(z) = z Phi(z), with the normal distribution function Phi itself. Hendrycks and Gimpel, 2016."""

    pytorch = "GELU", {}
    needs_input = True  # two inputs have the same output: f falls, then rises
    largest_slope = 1.128904145  # at sqrt(2)
    unresponsive = "dead"

    def forward(self, z_BO: Floats) -> None:
        z_BO *= ndtr(z_BO)

    def backward(self, z_BO: Floats, gradient_BO: Floats) -> None:
        # f' = Phi(z) + z phi(z), with the density phi(z) = exp(-z**2 / 2) / sqrt(2 pi).
        slope_BO = ndtr(z_BO)
        density_BO = np.square(z_BO)
        density_BO *= -0.5
        np.exp(density_BO, out=density_BO)
        density_BO *= 1 / sqrt(2 * pi)
        z_BO *= density_BO
        slope_BO += z_BO
        gradient_BO *= slope_BO


@final
class Silu(Activation):
    """f(z) = z sigmoid(z), also known as swish. Elfwing, Uchibe and Doya, Neural Networks 107, 2018."""

    pytorch = "SiLU", {}
    needs_input = True
    largest_slope = 1.099839320  # at 2.3994
    unresponsive = "dead"

    def forward(self, z_BO: Floats) -> None:
        sigmoid_BO = z_BO.copy()
        Sigmoid().forward(sigmoid_BO)
        z_BO *= sigmoid_BO

    def backward(self, z_BO: Floats, gradient_BO: Floats) -> None:
        # f' = s (1 + z (1 - s)), with s = sigmoid(z).
        sigmoid_BO = z_BO.copy()
        Sigmoid().forward(sigmoid_BO)
        z_BO *= 1 - sigmoid_BO
        z_BO += 1
        z_BO *= sigmoid_BO
        gradient_BO *= z_BO


@final
class Linear(Activation):
    """f(z) = z: the network stays one linear map, however deep."""

    pytorch = "Identity", {}

    def forward(self, z_BO: Floats) -> None:
        pass

    def backward(self, a_BO: Floats, gradient_BO: Floats) -> None:
        pass


@final
class Softmax(Activation):
    """f(z)_k = exp(z_k) / sum_j exp(z_j): each row becomes a probability distribution."""

    pytorch = "Softmax", {"dim": 1}

    def forward(self, z_BO: Floats) -> None:
        # Softmax does not change when a row is shifted; with its maximum at 0 no exp can overflow.
        z_BO -= z_BO.max(axis=1, keepdims=True)
        np.exp(z_BO, out=z_BO)
        z_BO /= z_BO.sum(axis=1, keepdims=True)

    def backward(self, a_BO: Floats, gradient_BO: Floats) -> None:
        # The Jacobian of one row is J = diag(a) - a a^T, so J^T g = a * (g - <a, g>): never build the matrix.
        gradient_BO -= np.einsum("bo,bo->b", a_BO, gradient_BO)[:, None]
        gradient_BO *= a_BO


# The activations of hidden layers.
ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": Sigmoid(),
    "tanh": Tanh(),
    "relu": Relu(),
    "leaky_relu": LeakyRelu(),
    "elu": Elu(),
    "gelu": Gelu(),
    "silu": Silu(),
    "linear": Linear(),
}

SOFTMAX = Softmax()  # of the output layer: the losses apply it

"""The multi-layer perceptron: forward, and backward by the chain rule.

Forward, for layers l = 1 ... L (a_0 is the input, and the last layer has no activation: it gives the logits):

    z_l = a_(l-1) W_l + b_l        a_l = f(z_l)

Backward, with delta_l = dL/dz_l, from the loss's delta_L down to the first layer:

    dL/dW_l = a_(l-1)^T delta_l    dL/db_l = 1^T delta_l    delta_(l-1) = (delta_l W_l^T) * f'(z_(l-1))

All rows of a batch pass at once, as the rows of a matrix. A bias is the weight of an input that is always 1.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mlplab.scratch.activations import Activation
from mlplab.scratch.gradients import Gradient
from mlplab.scratch.penalties import Penalty
from mlplab.scratch.products import Floats, product

Layers = list[tuple[NDArray[Any], NDArray[Any]]]  # weights (I, O) and biases (O,), first layer first


class Network:
    """Parameters and buffers of one network.

    Attributes:
        weights, biases: per layer, shapes (I, O) and (1, O).
        penalty: on the weights, if any.
    """

    def __init__(
        self,
        layers: Layers,
        activation: Activation,
        dtype: DTypeLike,
        max_rows: int,
        penalty: Penalty | None = None,
    ) -> None:
        """Copy the layers (weights (I, O), biases (O,)) and allocate buffers for ``max_rows`` rows."""
        self.activation, self.penalty = activation, penalty
        self.weights = [np.array(W_IO, dtype, order="C") for W_IO, _ in layers]
        self.biases = [np.array(b_O, dtype)[np.newaxis] for _, b_O in layers]
        self._ones = np.ones((max_rows, 1), dtype)
        self._outputs = [np.empty((max_rows, W_IO.shape[1]), dtype) for W_IO in self.weights]
        self._deltas = [np.empty_like(output) for output in self._outputs[:-1]]
        # What the activation's derivative needs: its outputs, or a copy of its inputs, which it overwrites.
        self._kept = [np.empty_like(a) if activation.needs_input else a for a in self._outputs[:-1]]

    @property
    def parameters(self) -> list[Floats]:
        """All weights, then all biases: the live arrays."""
        return [*self.weights, *self.biases]

    def forward(self, x_BI: Floats) -> Floats:
        """Return the logits, shape (B, K), of at most ``max_rows`` inputs of shape (B, I).

        The result is this network's own buffer: valid until the next call, and the caller may overwrite it.
        """
        a_BI = x_BI
        last = len(self.weights) - 1
        for layer, (W_IO, b_1O) in enumerate(zip(self.weights, self.biases, strict=True)):
            z_BO = self._outputs[layer][: len(x_BI)]
            z_BO[...] = b_1O
            product(a_BI, W_IO, z_BO, keep=1.0)
            if layer < last:
                if self.activation.needs_input:
                    self._kept[layer][: len(x_BI)] = z_BO
                self.activation.forward(z_BO)
            a_BI = z_BO
        return a_BI

    def kept(self, rows: int) -> list[Floats]:
        """Return what the derivatives of the hidden layers need: z, or a = f(z), each of shape (B, O).

        These are live arrays of the last pass, of ``rows`` rows; the next pass overwrites them.
        """
        return [kept_BO[:rows] for kept_BO in self._kept]

    def backward(self, x_BI: Floats, delta_BK: Floats) -> Iterator[tuple[int, Gradient]]:
        """Yield the gradient of every array of parameters, by its index in :attr:`parameters`; last layer first.

        Call :meth:`forward` with the same inputs first; this overwrites its activations. The caller may update
        parameters as soon as their gradient is yielded: the layers below do not need the old values.

        Args:
            x_BI: the inputs, shape (B, I).
            delta_BK: gradient of the loss with respect to the logits, shape (B, K).
        """
        rows, depth = len(x_BI), len(self.weights)
        delta_BO = delta_BK
        for layer in reversed(range(depth)):
            W_IO = self.weights[layer]
            a_BI = self._outputs[layer - 1][:rows] if layer > 0 else x_BI
            if layer > 0:
                delta_BI = product(delta_BO, W_IO.T, self._deltas[layer - 1][:rows])
            yield layer, Gradient(a_BI, delta_BO, W_IO, self.penalty)
            yield depth + layer, Gradient(self._ones[:rows], delta_BO, self.biases[layer], None)
            if layer > 0:
                self.activation.backward(self._kept[layer - 1][:rows], delta_BI)
                delta_BO = delta_BI

"""The multi-layer perceptron: forward, and backward by the chain rule.

Forward, for layers l = 1 ... L (a_0 is the input, and the last layer has no activation: it gives the logits):

    z_l = a_(l-1) W_l + b_l        a_l = f(z_l)

Backward, with delta_l = dL/dz_l, from the loss's delta_L down to the first layer:

    dL/dW_l = a_(l-1)^T delta_l    dL/db_l = sum_B delta_l    delta_(l-1) = (delta_l W_l^T) * f'(z_(l-1))

All rows of a batch pass at once, as the rows of a matrix.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mlplab.scratch.activations import Activation, Floats


class Network:
    """Parameters, gradient and work space of one network.

    Attributes:
        parameters_P: every weight, then every bias, in one vector: an optimizer updates it in one go.
        gradient_P: the gradient of the same, written by :meth:`backward`.
        weights, biases: per layer, views into ``parameters_P``; shapes (I, O) and (O,).
    """

    def __init__(
        self,
        layers: Sequence[tuple[NDArray[Any], NDArray[Any]]],
        activation: Activation,
        dtype: DTypeLike,
        max_rows: int,
    ) -> None:
        """Copy the layers (weights (I, O), biases (O,)) and allocate all that ``max_rows`` rows at once need."""
        self.activation = activation
        weight_shapes = [W_IO.shape for W_IO, _ in layers]
        self.weight_count = sum(W_IO.size for W_IO, _ in layers)
        parts = [W_IO.ravel() for W_IO, _ in layers] + [b_O for _, b_O in layers]
        self.parameters_P = np.concatenate(parts).astype(dtype)
        self.gradient_P = np.zeros_like(self.parameters_P)
        self.weights, self.biases = _views(self.parameters_P, weight_shapes)
        self._weight_gradients, self._bias_gradients = _views(self.gradient_P, weight_shapes)
        self._outputs = [np.empty((max_rows, fan_out), dtype) for _, fan_out in weight_shapes]
        self._deltas = [np.empty((max_rows, fan_out), dtype) for _, fan_out in weight_shapes[:-1]]

    def forward(self, x_BI: Floats) -> Floats:
        """Return the logits, shape (B, K), of at most ``max_rows`` inputs of shape (B, I).

        The result is this network's own buffer: good until the next call, and free to be overwritten.
        """
        a_BI = x_BI
        last = len(self.weights) - 1
        for layer, (W_IO, b_O) in enumerate(zip(self.weights, self.biases, strict=True)):
            z_BO = np.matmul(a_BI, W_IO, out=self._outputs[layer][: len(x_BI)])
            z_BO += b_O
            if layer < last:
                self.activation.forward(z_BO)
            a_BI = z_BO
        return a_BI

    def backward(self, x_BI: Floats, delta_BK: Floats) -> None:
        """Write the gradient of the loss into ``gradient_P``.

        Follows a :meth:`forward` of the same inputs, whose activations it uses up.

        Args:
            x_BI: the inputs, shape (B, I).
            delta_BK: gradient of the loss in the logits, shape (B, K).
        """
        rows = len(x_BI)
        delta_BO = delta_BK
        for layer in reversed(range(len(self.weights))):
            a_BI = self._outputs[layer - 1][:rows] if layer > 0 else x_BI
            np.matmul(a_BI.T, delta_BO, out=self._weight_gradients[layer])
            delta_BO.sum(axis=0, out=self._bias_gradients[layer])
            if layer > 0:
                delta_BI = np.matmul(delta_BO, self.weights[layer].T, out=self._deltas[layer - 1][:rows])
                self.activation.backward(a_BI, delta_BI)
                delta_BO = delta_BI


def _views(vector_P: Floats, weight_shapes: Sequence[tuple[int, ...]]) -> tuple[list[Floats], list[Floats]]:
    """Cut a flat vector into weights and biases without copying."""
    bias_shapes = [(fan_out,) for _, fan_out in weight_shapes]
    pieces = _cut(vector_P, [*weight_shapes, *bias_shapes])
    return [next(pieces) for _ in weight_shapes], [next(pieces) for _ in bias_shapes]


def _cut(vector_P: Floats, shapes: Sequence[tuple[int, ...]]) -> Iterator[Floats]:
    start = 0
    for shape in shapes:
        stop = start + int(np.prod(shape))
        yield vector_P[start:stop].reshape(shape)
        start = stop

"""Losses of the logits: they compare softmax(logits) with the one-hot targets y.

In the formulas y is the one-hot matrix of shape (B, K). The code uses the labels instead: p - y only
subtracts 1 at the label of each row, so no one-hot array is ever built.
"""

from abc import ABC, abstractmethod
from typing import final

import numpy as np
from numpy.typing import NDArray

from mlplab.scratch.activations import SOFTMAX
from mlplab.scratch.products import Floats

Labels = NDArray[np.int64]


class Loss(ABC):
    """A loss of logits and labels. Call ``forward``, then ``backward``, both in place on the same buffer."""

    @abstractmethod
    def forward(self, logits_BK: Floats, labels_B: Labels) -> float:
        """Return the mean loss over the batch; the logits become probabilities p = softmax(logits), in place.

        Args:
            logits_BK: any float dtype, shape (B, K).
            labels_B: class of each row, int64 in [0, K), shape (B,).
        """

    @abstractmethod
    def backward(self, p_BK: Floats, labels_B: Labels) -> None:
        """Turn the probabilities into the gradient of the mean loss with respect to the logits, in place."""


@final
class CrossEntropy(Loss):
    """L = -mean_B sum_k y_k log p_k (natural logarithm), fused with the softmax."""

    def forward(self, logits_BK: Floats, labels_B: Labels) -> float:
        # log p_k = z_k - log sum_j exp z_j is finite for logits of any size; the log of a computed p is not.
        logits_BK -= logits_BK.max(axis=1, keepdims=True)
        z_label_B = logits_BK[np.arange(len(labels_B)), labels_B]
        np.exp(logits_BK, out=logits_BK)
        total_B1 = logits_BK.sum(axis=1, keepdims=True)
        logits_BK /= total_B1
        return float(np.mean(np.log(total_B1[:, 0]) - z_label_B))

    def backward(self, p_BK: Floats, labels_B: Labels) -> None:
        # Through softmax and logarithm together the gradient simplifies to p - y.
        p_BK[np.arange(len(labels_B)), labels_B] -= 1
        p_BK /= len(labels_B)


@final
class SquaredError(Loss):
    """L = mean_B 1/2 sum_k (p_k - y_k)**2, through the softmax."""

    def forward(self, logits_BK: Floats, labels_B: Labels) -> float:
        SOFTMAX.forward(logits_BK)
        p_BK = logits_BK
        p_label_B = p_BK[np.arange(len(labels_B)), labels_B]
        # sum_k (p_k - y_k)**2 = sum_k p_k**2 - 2 p_label + 1
        return float(np.mean(0.5 * (np.einsum("bk,bk->b", p_BK, p_BK) - 2 * p_label_B + 1)))

    def backward(self, p_BK: Floats, labels_B: Labels) -> None:
        error_BK = p_BK.copy()
        error_BK[np.arange(len(labels_B)), labels_B] -= 1
        SOFTMAX.backward(p_BK, error_BK)
        np.divide(error_BK, len(labels_B), out=p_BK)


LOSSES: dict[str, Loss] = {"cross_entropy": CrossEntropy(), "squared_error": SquaredError()}

"""What happens inside a network while it trains: whether gradients arrive, units respond, and weights move."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlplab.engines.base import Layers, Probe

# A unit is saturated where its derivative is less than this share of the largest there can be.
SATURATION = 0.05


def measure(activation: str, probe: Probe, before: Layers, after: Layers) -> dict[str, float]:
    """Return the metrics of every layer, by their names in MLflow, for one update.

    - ``within/layer_1_gradient_norm``: Frobenius norm of dL/dW, without the penalty.
    - ``within/layer_1_update_ratio``: norm of the update over norm of the weights; nets that learn are often around
      1e-3.
    - ``within/layer_1_saturated`` (sigmoid, tanh): share of all (row, unit) whose derivative has nearly vanished.
    - ``within/layer_1_dead`` (relu): share of units that are 0 for every row of the batch.

    Args:
        activation: of the hidden layers.
        probe: of the update's batch, before it.
        before, after: weights and biases around the update.
    """
    found: dict[str, float] = {}
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a net that diverges is reported elsewhere
        for layer, gradient_IO in enumerate(probe.gradients):
            W_IO, moved_IO = before[layer][0], after[layer][0]
            found[f"within/layer_{layer + 1}_gradient_norm"] = _norm(gradient_IO)
            found[f"within/layer_{layer + 1}_update_ratio"] = _norm(moved_IO - W_IO) / (_norm(W_IO) or 1.0)
        return found | _shares(activation, probe.activations)


def _norm(array: NDArray[Any]) -> float:
    return float(np.linalg.norm(array))


def _shares(activation: str, activations: Sequence[NDArray[Any]]) -> dict[str, float]:
    layers = [(f"within/layer_{number}", a_BO) for number, a_BO in enumerate(activations, start=1)]
    if activation == "sigmoid":  # the derivative a (1 - a) is 1/4 at most
        return {f"{layer}_saturated": float(np.mean(a * (1 - a) < SATURATION / 4)) for layer, a in layers}
    if activation == "tanh":  # the derivative 1 - a**2 is 1 at most
        return {f"{layer}_saturated": float(np.mean(1 - a * a < SATURATION)) for layer, a in layers}
    if activation == "relu":
        return {f"{layer}_dead": float(np.mean(~np.any(a > 0, axis=0))) for layer, a in layers}
    return {}

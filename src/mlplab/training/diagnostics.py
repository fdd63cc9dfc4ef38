"""What happens inside a network while it trains: whether gradients arrive, units respond, and weights move."""

from collections.abc import Sequence
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from mlplab import config, schema
from mlplab.engines.base import Probe
from mlplab.scratch.activations import ACTIVATIONS, Activation

# A derivative has nearly vanished if it is less than this fraction of the activation's largest derivative.
VANISHING = 0.05


def measure(
    activation: config.Activation, probe: Probe, before: Sequence[NDArray[Any]], after: Sequence[NDArray[Any]]
) -> dict[str, float]:
    """Return the metrics of every layer, by their names in MLflow, for one update.

    - ``within/layer_1_gradient_norm``: Frobenius norm of dL/dW, without the penalty.
    - ``within/layer_1_update_ratio``: norm of the update over norm of the weights; networks that learn are often
      around 1e-3.
    - ``within/layer_1_saturated`` (sigmoid, tanh, ...): fraction of all (row, unit) pairs whose derivative has
      nearly vanished.
    - ``within/layer_1_dead`` (relu, ...): fraction of units whose derivative has nearly vanished for every row of
      the batch.

    The last two are of an mlp alone: of another network nobody knows what its units are.

    Args:
        activation: of an mlp's hidden layers.
        probe: of the update's batch, before it.
        before, after: the weights of every layer before and after the update.
    """
    metrics: dict[str, float] = {}
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # the training loop reports divergence
        for layer, (gradient, W, moved) in enumerate(zip(probe.gradients, before, after, strict=True), start=1):
            metrics[schema.within(layer, "gradient_norm")] = _norm(gradient)
            metrics[schema.within(layer, "update_ratio")] = _norm(moved - W) / (_norm(W) or 1.0)
        return metrics | _unresponsive(ACTIVATIONS[activation], probe.kept)


def _norm(array: NDArray[Any]) -> float:
    return float(np.linalg.norm(array))


def _unresponsive(activation: Activation, kept: Sequence[NDArray[Any]]) -> dict[str, float]:
    metrics = {}
    for layer, kept_BO in enumerate(kept, start=1):
        slope_BO = np.ones_like(kept_BO)
        activation.backward(kept_BO.copy(), slope_BO)
        vanished_BO = np.abs(slope_BO) < VANISHING * activation.largest_slope
        match activation.unresponsive:
            case "saturated":
                metrics[schema.within(layer, "saturated")] = float(np.mean(vanished_BO))
            case "dead":
                metrics[schema.within(layer, "dead")] = float(np.mean(np.all(vanished_BO, axis=0)))
            case None:
                pass
            case _:
                assert_never(activation.unresponsive)
    return metrics

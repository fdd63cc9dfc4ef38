"""What is measured at a point, and when that says that training has diverged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlplab import schema
from mlplab.engines.base import Engine
from mlplab.errors import DivergedError
from mlplab.training.schedule import Schedule


@dataclass
class Window:
    """Batch losses, weighted by the rows of each batch."""

    total: float = 0.0
    rows: int = 0

    def add(self, losses: NDArray[np.float64], sizes: NDArray[np.int64]) -> None:
        """Take in the losses of batches of these sizes; both of shape (batches,)."""
        self.total += float(losses @ sizes)
        self.rows += int(sizes.sum())

    @property
    def mean(self) -> float:
        """The mean loss of a row."""
        return self.total / self.rows


def measure_splits(engine: Engine, splits: Sequence[str]) -> dict[str, float]:
    """Return the penalty, where there is one, and loss and accuracy of these splits, by their names in MLflow."""
    metrics = {}
    if penalty := engine.penalty():
        metrics[schema.PENALTY] = penalty
    for split in splits:
        evaluation = engine.evaluate(split)
        metrics[schema.loss(split)] = evaluation.loss
        metrics[schema.accuracy(split)] = evaluation.accuracy
    return metrics


def require_finite(values: Mapping[str, float | NDArray[np.float64]], step: int, schedule: Schedule) -> None:
    """Stop training that has diverged.

    Args:
        values: by name: a number measured at ``step``, or an array for ``step`` and the following updates.
        step: the update that the (first) value belongs to.
        schedule: knows what to reduce.

    Raises:
        DivergedError: a value is infinite or not a number; the message names it, its update and the remedy.
    """
    for key, measured in values.items():
        bad = np.flatnonzero(~np.isfinite(np.atleast_1d(measured)))
        if len(bad):
            raise DivergedError(
                f"{key}={np.atleast_1d(measured)[bad[0]]} at iteration {step + int(bad[0]):,}: training diverged. "
                f"Try {schedule.calmer}"
            )

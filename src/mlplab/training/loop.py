"""The training loop: take batches, update, report.

    while not training.done:
        report = training.advance()

It knows no particular engine and no tracker: the caller shows and stores the reports.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from mlplab import schema
from mlplab.config import Activation
from mlplab.engines.base import Engine
from mlplab.errors import DivergedError
from mlplab.training import diagnostics
from mlplab.training.checkpoint import Checkpoint
from mlplab.training.schedule import Schedule, batches

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Report:
    """The progress of training.

    Attributes:
        step: parameter updates so far.
        epoch: the pass that the last of them belonged to, from 1.
        rows: training rows seen so far, repetitions included.
        ends_epoch: whether that pass, or the whole run, is now complete.
        train_loss: mean over the rows of that pass so far.
        metrics: to log at this step, by their names in MLflow; empty between two points.
        train_seconds: spent on updates so far, without evaluations.
    """

    step: int
    epoch: int
    rows: int
    ends_epoch: bool
    train_loss: float
    metrics: dict[str, float]
    train_seconds: float


class Training:
    """The training of one network, and its progress.

    Attributes:
        step: parameter updates so far.
        rows: training rows seen so far, repetitions included.
        seconds: spent on updates so far, without evaluations.
        between_reports: whether :meth:`state` is that of a step; not so after an error in the middle of an update.
    """

    def __init__(
        self,
        engine: Engine,
        schedule: Schedule,
        rng: np.random.Generator,
        log_every: int,
        splits: Sequence[str],
        diagnosed: Activation | None = None,
    ) -> None:
        """Prepare to train.

        Args:
            engine: the one to train.
            schedule: how many updates, in which batches, at which learning rate.
            rng: draws the batches.
            log_every: updates between two points.
            splits: to evaluate at every point, in addition to the training loss.
            diagnosed: the activation of an mlp's hidden layers, for diagnostics at every point (of another network it
                says nothing); None for no diagnostics.
        """
        self._diagnosed = diagnosed
        self._engine, self._schedule, self._log_every, self._splits = engine, schedule, log_every, splits
        self._batches = batches(schedule, rng)
        self._point, self._epoch = _Window(), _Window()  # losses since the last point, and in this epoch
        self.step, self.rows, self.seconds = 0, 0, 0.0
        self.between_reports = True

    @property
    def done(self) -> bool:
        """Whether all updates of the schedule are done."""
        return self.step >= self._schedule.steps

    def advance(self) -> Report:
        """Train to the next report: at the next point or the end of the epoch, or after MOST_AT_ONCE updates.

        Raises:
            DivergedError: a loss or another metric is infinite or not a number; the message says at which update.
        """
        self.between_reports = False
        schedule, stop = self._schedule, self._schedule.next_stop(self.step, self._log_every)
        if self.step % schedule.steps_per_epoch == 0:
            self._epoch = _Window()
        batches = [next(self._batches) for _ in range(self.step, stop)]
        rates = [schedule.learning_rate_at(step) for step in range(self.step, stop)]
        is_point = stop % self._log_every == 0
        diagnose = is_point and self._diagnosed is not None
        losses, inside = self._update_and_diagnose(batches, rates) if diagnose else self._update(batches, rates)
        require_finite({schema.loss("train"): losses}, self.step + 1, schedule)

        sizes = np.array([len(batch) for batch in batches])
        self._point.add(losses, sizes)
        self._epoch.add(losses, sizes)
        self.step, self.rows = stop, self.rows + int(sizes.sum())
        metrics = self._measure_point(inside) if is_point else {}
        ends_epoch = stop % schedule.steps_per_epoch == 0 or self.done
        epoch = ceil(stop / schedule.steps_per_epoch)
        self.between_reports = True
        return Report(stop, epoch, self.rows, ends_epoch, self._epoch.mean, metrics, self.seconds)

    def _update(self, batches: Sequence[Rows], rates: Sequence[float]) -> tuple[NDArray[np.float64], dict[str, float]]:
        start = time.perf_counter()
        losses = self._engine.train_window(batches, rates)
        self.seconds += time.perf_counter() - start
        return losses, {}

    def _update_and_diagnose(
        self, batches: Sequence[Rows], rates: Sequence[float]
    ) -> tuple[NDArray[np.float64], dict[str, float]]:
        """Update on every batch, and measure diagnostics around the last update."""
        assert self._diagnosed is not None
        engine, last = self._engine, len(batches) - 1
        losses = self._update(batches[:last], rates[:last])[0] if last else np.empty(0)
        probe, before = engine.probe(batches[last]), engine.weights()
        losses = np.concatenate([losses, self._update(batches[last:], rates[last:])[0]])
        return losses, diagnostics.measure(self._diagnosed, probe, before, engine.weights())

    def _measure_point(self, inside: Mapping[str, float]) -> dict[str, float]:
        metrics = {schema.loss("train"): self._point.mean, **_measure(self._engine, self._splits), **inside}
        require_finite(metrics, self.step, self._schedule)
        self._point = _Window()
        return metrics

    def state(self) -> Checkpoint:
        """Return everything that the rest of training depends on; call it between two reports."""
        facts = {
            "step": self.step,
            "rows": self.rows,
            "seconds": self.seconds,
            "point": asdict(self._point),
            "epoch": asdict(self._epoch),
            "batches": self._batches.state(),
        }
        return Checkpoint(self._engine.state(), facts)

    def restore(self, state: Checkpoint) -> None:
        """Continue exactly from a :meth:`state` of a training that was built with the same config."""
        facts = state.facts
        self._engine.restore(dict(state.arrays))
        self._point, self._epoch = _Window(**facts["point"]), _Window(**facts["epoch"])
        self._batches.restore(facts["batches"])
        self.step, self.rows, self.seconds = facts["step"], facts["rows"], facts["seconds"]


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


@dataclass
class _Window:
    """Batch losses, weighted by the rows of each batch."""

    total: float = 0.0
    rows: int = 0

    def add(self, losses: NDArray[np.float64], sizes: NDArray[np.int64]) -> None:
        self.total += float(losses @ sizes)
        self.rows += int(sizes.sum())

    @property
    def mean(self) -> float:
        return self.total / self.rows


def _measure(engine: Engine, splits: Sequence[str]) -> dict[str, float]:
    metrics = {}
    if penalty := engine.penalty():
        metrics[schema.PENALTY] = penalty
    for split in splits:
        evaluation = engine.evaluate(split)
        metrics[schema.loss(split)] = evaluation.loss
        metrics[schema.accuracy(split)] = evaluation.accuracy
    return metrics

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
from mlplab.training import diagnostics
from mlplab.training.checkpoint import Checkpoint
from mlplab.training.judge import Judge, Stop
from mlplab.training.measuring import Window, measure_splits, require_finite
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
        is_last: whether training ends with it.
    """

    step: int
    epoch: int
    rows: int
    ends_epoch: bool
    train_loss: float
    metrics: dict[str, float]
    train_seconds: float
    is_last: bool = False


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
        judge: Judge | None = None,
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
            judge: of every point, by the validation split, which is then among ``splits``; None where nothing is
                selected.
        """
        self._diagnosed, self._judge = diagnosed, judge
        self._engine, self._schedule, self._log_every, self._splits = engine, schedule, log_every, splits
        self._batches = batches(schedule, rng)
        self._point, self._epoch = Window(), Window()  # losses since the last point, and in this epoch
        self.step, self.rows, self.seconds = 0, 0, 0.0
        self.between_reports = True

    @property
    def done(self) -> bool:
        """Whether all updates of the schedule are done, or training has been stopped."""
        return self.step >= self._schedule.steps or self.stop is not None

    @property
    def stop(self) -> Stop | None:
        """Why training has ended before its schedule; None where it has not."""
        return None if self._judge is None else self._judge.stop

    @property
    def best_step(self) -> int | None:
        """The update after which the network was the best by validation; None where nothing is selected."""
        return None if self._judge is None else self._judge.best_step

    def advance(self) -> Report:
        """Train to the next report: at the next point or the end of the epoch, or after MOST_AT_ONCE updates.

        Raises:
            DivergedError: a loss or another metric is infinite or not a number; the message says at which update.
        """
        self.between_reports = False
        schedule, stop = self._schedule, self._schedule.next_stop(self.step, self._log_every)
        if self.step % schedule.steps_per_epoch == 0:
            self._epoch = Window()
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
        return Report(stop, epoch, self.rows, ends_epoch, self._epoch.mean, metrics, self.seconds, self.done)

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
        metrics = {schema.loss("train"): self._point.mean, **measure_splits(self._engine, self._splits), **inside}
        require_finite(metrics, self.step, self._schedule)
        if self._judge is not None:
            is_last = self.step >= self._schedule.steps
            self._judge.judge(self.step // self._log_every, self.step, metrics, is_last)
        self._point = Window()
        return metrics

    def restore_best(self) -> None:
        """Where the best point is kept, give the engine its state: it is for evaluation, and trains no more."""
        if self._judge is not None:
            self._judge.restore_best()

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
        if self._judge is None:
            return Checkpoint(self._engine.state(), facts)
        judged = self._judge.state()
        return Checkpoint({**self._engine.state(), **judged.arrays}, {**facts, "judge": judged.facts})

    def restore(self, state: Checkpoint) -> None:
        """Continue exactly from a :meth:`state` of a training that was built with the same config."""
        facts = state.facts
        self._engine.restore(dict(state.arrays))
        if self._judge is not None:
            self._judge.restore(state.arrays, facts["judge"])
        self._point, self._epoch = Window(**facts["point"]), Window(**facts["epoch"])
        self._batches.restore(facts["batches"])
        self.step, self.rows, self.seconds = facts["step"], facts["rows"], facts["seconds"]

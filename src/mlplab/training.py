"""The training loop: take batches, update, report, until the planned updates are done.

Names no engine and no tracker: it yields reports, and whoever iterates shows and stores them.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlplab import diagnostics
from mlplab.checkpoint import Checkpoint
from mlplab.engines.base import Engine
from mlplab.errors import DivergedError
from mlplab.schedule import Schedule, batches

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Report:
    """Where training stands.

    Attributes:
        step: parameter updates so far.
        epoch: the pass that the last of them belonged to, from 1.
        rows: training rows seen so far, counted in every epoch.
        ends_epoch: whether that pass is now complete (or the run is).
        train_loss: mean over the rows of that pass so far.
        metrics: what to log at this step, by its name in MLflow; empty between the points.
        train_seconds: spent on updates so far, without evaluations.
    """

    step: int
    epoch: int
    rows: int
    ends_epoch: bool
    train_loss: float
    metrics: dict[str, float]
    train_seconds: float


class RandomStreams(NamedTuple):
    """Three independent generators from one seed: one can change what it draws without changing the others."""

    splits: np.random.Generator
    weights: np.random.Generator
    batches: np.random.Generator


def random_streams(seed: int) -> RandomStreams:
    """Return the generators of a run."""
    return RandomStreams(*map(np.random.default_rng, np.random.SeedSequence(seed).spawn(3)))


class Training:
    """One training, which knows where it stands.

    Attributes:
        step: parameter updates so far.
        rows: training rows seen so far, counted in every epoch.
        seconds: spent on updates so far, without evaluations.
    """

    def __init__(
        self,
        engine: Engine,
        schedule: Schedule,
        rng: np.random.Generator,
        log_every: int,
        splits: Sequence[str],
        diagnosed: str | None = None,
    ) -> None:
        """Prepare.

        Args:
            engine: is trained.
            schedule: how long, in which batches, at which learning rate.
            rng: draws the batches.
            log_every: updates between two points.
            splits: are evaluated at every point, besides the training loss.
            diagnosed: the activation of the hidden layers, to look inside at every point; None: do not.
        """
        self._diagnosed = diagnosed
        self._engine, self._schedule, self._log_every, self._splits = engine, schedule, log_every, splits
        self._batches = batches(schedule, rng)
        self._point, self._epoch = _Window(), _Window()  # losses since the last point, and in this epoch
        self.step, self.rows, self.seconds = 0, 0, 0.0

    def reports(self) -> Iterator[Report]:
        """Train to the end of the schedule, yielding a report at least at every point and at every epoch's end.

        Raises:
            DivergedError: a loss became infinite or not a number; the message says at which update.
        """
        while self.step < self._schedule.steps:
            yield self._advance()

    def _advance(self) -> Report:
        schedule, stop = self._schedule, self._schedule.next_stop(self.step, self._log_every)
        if self.step % schedule.steps_per_epoch == 0:
            self._epoch = _Window()
        window = [next(self._batches) for _ in range(self.step, stop)]
        rates = [schedule.learning_rate_at(i) for i in range(self.step, stop)]
        is_point = stop % self._log_every == 0
        if is_point and self._diagnosed is not None:
            losses, inside = self._train_and_diagnose(window, rates, self._diagnosed)
        else:
            losses, inside = self._train(window, rates), {}
        require_finite({"train/loss": losses}, self.step + 1, schedule)

        sizes = np.array([len(batch) for batch in window])
        self._point.add(losses, sizes)
        self._epoch.add(losses, sizes)
        self.step, self.rows = stop, self.rows + int(sizes.sum())
        metrics: dict[str, float] = {}
        if is_point:
            metrics = {"train/loss": self._point.mean, **_measure(self._engine, self._splits), **inside}
            require_finite(metrics, stop, schedule)
            self._point = _Window()
        ends_epoch = stop % schedule.steps_per_epoch == 0 or stop == schedule.steps
        number = ceil(stop / schedule.steps_per_epoch)
        return Report(stop, number, self.rows, ends_epoch, self._epoch.mean, metrics, self.seconds)

    def _train(self, window: Sequence[Rows], rates: Sequence[float]) -> NDArray[np.float64]:
        start = time.perf_counter()
        losses = self._engine.train_window(window, rates)
        self.seconds += time.perf_counter() - start
        return losses

    def _train_and_diagnose(
        self, window: Sequence[Rows], rates: Sequence[float], activation: str
    ) -> tuple[NDArray[np.float64], dict[str, float]]:
        """Train on the window, and look inside around its last update."""
        engine, last = self._engine, len(window) - 1
        losses = self._train(window[:last], rates[:last]) if last else np.empty(0)
        probe, before = engine.probe(window[last]), engine.layers()
        losses = np.concatenate([losses, self._train(window[last:], rates[last:])])
        return losses, diagnostics.measure(activation, probe, before, engine.layers())

    def state(self) -> Checkpoint:
        """Return everything that what comes depends on; between two reports."""
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
        """Go on exactly from where :meth:`state` was taken, in a training built with the same config."""
        facts = state.facts
        self._engine.restore(dict(state.arrays))
        self._point, self._epoch = _Window(**facts["point"]), _Window(**facts["epoch"])
        self._batches.restore(facts["batches"])
        self.step, self.rows, self.seconds = facts["step"], facts["rows"], facts["seconds"]


def require_finite(values: Mapping[str, float | NDArray[np.float64]], step: int, schedule: Schedule) -> None:
    """Stop training that has diverged.

    Args:
        values: what was measured: at ``step``, or an array for that and the following updates.
        step: parameter updates so far.
        schedule: has the learning rate to be made smaller.

    Raises:
        DivergedError: one is infinite or not a number; the message says which, where, and what to try.
    """
    for key, measured in values.items():
        bad = np.flatnonzero(~np.isfinite(np.atleast_1d(measured)))
        if len(bad):
            raise DivergedError(
                f"{key}={np.atleast_1d(measured)[bad[0]]} at iteration {step + int(bad[0]):,}: training diverged. "
                f"Try a smaller step, such as learning_rate={schedule.learning_rate / 10:g}"
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
    found = {}
    if penalty := engine.penalty():
        found["train/penalty"] = penalty
    for split in splits:
        evaluation = engine.evaluate(split)
        found[f"{split}/loss"] = evaluation.loss
        found[f"{split}/accuracy"] = evaluation.accuracy
    return found

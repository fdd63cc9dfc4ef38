"""The training loop: take batches, update, report, until the planned updates are done.

Names no engine and no tracker: it yields reports, and whoever iterates shows and stores them.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlplab.checkpoint import Checkpoint
from mlplab.config import TrainConfig
from mlplab.engines.base import Engine
from mlplab.errors import DivergedError

MOST_AT_ONCE = 200


@dataclass(frozen=True)
class Schedule:
    """How many updates, in which batches, at which learning rate.

    Attributes:
        rows: in the training split.
        batch_size: rows per update; the last batch of an epoch takes what is left.
        steps: parameter updates altogether.
    """

    rows: int
    batch_size: int
    steps: int
    learning_rate: float
    learning_rate_decay: float

    @classmethod
    def plan(cls, settings: TrainConfig, rows: int) -> "Schedule":
        """Return the schedule of this config on a training split of so many rows."""
        steps = settings.iterations or settings.epochs * ceil(rows / settings.batch_size)
        return cls(rows, settings.batch_size, steps, settings.learning_rate, settings.learning_rate_decay)

    @property
    def steps_per_epoch(self) -> int:
        """Updates in one pass over the training split."""
        return ceil(self.rows / self.batch_size)

    @property
    def epochs(self) -> int:
        """Passes over the training split, counting one that is begun."""
        return ceil(self.steps / self.steps_per_epoch)

    def learning_rate_at(self, step: int) -> float:
        """Return the learning rate of the update after ``step`` updates: one factor of decay per whole epoch."""
        return self.learning_rate * self.learning_rate_decay ** (step // self.steps_per_epoch)

    def next_stop(self, step: int, log_every: int) -> int:
        """Return the next update after which a point is due, or an epoch or the whole run is complete.

        Nor more than MOST_AT_ONCE further: between two reports no signal is heard, and nothing shown.
        """
        next_point = (step // log_every + 1) * log_every
        epoch_end = (step // self.steps_per_epoch + 1) * self.steps_per_epoch
        return min(next_point, epoch_end, self.steps, step + MOST_AT_ONCE)


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
    ) -> None:
        """Prepare.

        Args:
            engine: is trained.
            schedule: how long, in which batches, at which learning rate.
            rng: draws the batches.
            log_every: updates between two points.
            splits: are evaluated at every point, besides the training loss.
        """
        self._engine, self._schedule, self._log_every, self._splits = engine, schedule, log_every, splits
        self._batches = _Batches(schedule.rows, schedule.batch_size, rng)
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
        start = time.perf_counter()
        rates = [schedule.learning_rate_at(i) for i in range(self.step, stop)]
        losses = self._engine.train_window(window, rates)
        self.seconds += time.perf_counter() - start
        require_finite({"train/loss": losses}, self.step + 1, schedule)

        sizes = np.array([len(batch) for batch in window])
        self._point.add(losses, sizes)
        self._epoch.add(losses, sizes)
        self.step, self.rows = stop, self.rows + int(sizes.sum())
        metrics: dict[str, float] = {}
        if stop % self._log_every == 0:
            metrics = {"train/loss": self._point.mean, **_measure(self._engine, self._splits)}
            require_finite(metrics, stop, schedule)
            self._point = _Window()
        ends_epoch = stop % schedule.steps_per_epoch == 0 or stop == schedule.steps
        number = ceil(stop / schedule.steps_per_epoch)
        return Report(stop, number, self.rows, ends_epoch, self._epoch.mean, metrics, self.seconds)

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


class _Batches(Iterator[NDArray[np.int64]]):
    """The rows of one batch after another, without end; every epoch shuffles all rows anew."""

    def __init__(self, rows: int, batch_size: int, rng: np.random.Generator) -> None:
        self._rows, self._batch_size, self._rng = rows, batch_size, rng
        self._shuffle()

    def _shuffle(self) -> None:
        self._before = self._rng.bit_generator.state
        self._order, self._taken = self._rng.permutation(self._rows), 0

    def __next__(self) -> NDArray[np.int64]:
        if self._taken >= self._rows:
            self._shuffle()
        batch: NDArray[np.int64] = self._order[self._taken : self._taken + self._batch_size]
        self._taken += self._batch_size
        return batch

    def state(self) -> dict[str, Any]:
        """Return the generator's state before this epoch's shuffle, and how far the epoch is."""
        return {"generator": self._before, "taken": self._taken}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._rng.bit_generator.state = state["generator"]
        self._shuffle()
        self._taken = state["taken"]


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

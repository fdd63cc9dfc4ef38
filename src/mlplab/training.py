"""The training loop: take batches, update, report, until the planned updates are done.

Names no engine and no tracker: it yields reports, and whoever iterates shows and stores them.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlplab.config import TrainConfig
from mlplab.engines.base import Engine
from mlplab.errors import DivergedError


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

    def batches(self, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        """Yield the rows of one batch after another, without end; every epoch shuffles all rows anew."""
        while True:
            order = rng.permutation(self.rows)
            for start in range(0, self.rows, self.batch_size):
                yield order[start : start + self.batch_size]

    def learning_rate_at(self, step: int) -> float:
        """Return the learning rate of the update after ``step`` updates: one factor of decay per whole epoch."""
        return self.learning_rate * self.learning_rate_decay ** (step // self.steps_per_epoch)

    def next_stop(self, step: int, log_every: int) -> int:
        """Return the next update after which a point is due, or an epoch or the whole run is complete."""
        next_point = (step // log_every + 1) * log_every
        epoch_end = (step // self.steps_per_epoch + 1) * self.steps_per_epoch
        return min(next_point, epoch_end, self.steps)


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


def train(
    engine: Engine, schedule: Schedule, rng: np.random.Generator, log_every: int, splits: Sequence[str]
) -> Iterator[Report]:
    """Train to the end of the schedule, yielding a report at every point and at the end of every epoch.

    Args:
        engine: is trained.
        schedule: how long, in which batches, at which learning rate.
        rng: draws the batches.
        log_every: updates between two points.
        splits: are evaluated at every point, besides the training loss.

    Raises:
        DivergedError: a loss became infinite or not a number; the message says at which update.
    """
    batches = schedule.batches(rng)
    point, epoch = _Window(), _Window()  # losses since the last point, and in this epoch
    step, rows, seconds = 0, 0, 0.0
    while step < schedule.steps:
        stop = schedule.next_stop(step, log_every)
        window = [next(batches) for _ in range(step, stop)]
        start = time.perf_counter()
        losses = engine.train_window(window, [schedule.learning_rate_at(i) for i in range(step, stop)])
        seconds += time.perf_counter() - start
        require_finite({"train/loss": losses}, step + 1, schedule)

        sizes = np.array([len(batch) for batch in window])
        point.add(losses, sizes)
        epoch.add(losses, sizes)
        step, rows = stop, rows + int(sizes.sum())
        metrics: dict[str, float] = {}
        if step % log_every == 0:
            metrics = {"train/loss": point.mean, **_measure(engine, splits)}
            require_finite(metrics, step, schedule)
            point = _Window()
        is_whole = step % schedule.steps_per_epoch == 0
        number = ceil(step / schedule.steps_per_epoch)
        yield Report(step, number, rows, is_whole or step == schedule.steps, epoch.mean, metrics, seconds)
        if is_whole:
            epoch = _Window()


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

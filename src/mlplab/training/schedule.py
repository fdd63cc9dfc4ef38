"""The schedule of training: how many updates, on which batches, at which learning rate."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, assert_never, final

import numpy as np
from numpy.typing import NDArray

from mlplab.config import Penalty, Sampling, TrainConfig

MOST_AT_ONCE = 200


@dataclass(frozen=True)
class Schedule:
    """How many updates, in which batches, at which learning rate.

    Attributes:
        rows: in the training split.
        batch_size: rows per update; with ``shuffle`` the last batch of an epoch may be smaller.
        steps: parameter updates in total.
        sampling: how batches are drawn.
        weight_decay: 0 without a penalty.
    """

    rows: int
    batch_size: int
    steps: int
    learning_rate: float
    learning_rate_decay: float
    sampling: Sampling = Sampling.shuffle
    weight_decay: float = 0.0

    @classmethod
    def plan(cls, settings: TrainConfig, rows: int) -> "Schedule":
        """Return the schedule of this config for a training split of ``rows`` rows."""
        steps = settings.iterations or settings.epochs * ceil(rows / settings.batch_size)
        rates = settings.learning_rate, settings.learning_rate_decay
        decay = 0.0 if settings.penalty is Penalty.none else settings.weight_decay
        return cls(rows, settings.batch_size, steps, *rates, settings.sampling, decay)

    @property
    def steps_per_epoch(self) -> int:
        """Updates in one pass over the training split."""
        return ceil(self.rows / self.batch_size)

    @property
    def epochs(self) -> int:
        """Passes over the training split, including an incomplete last one."""
        return ceil(self.steps / self.steps_per_epoch)

    @property
    def calmer(self) -> str:
        """What to set after training diverged: an l2 penalty overshoots if learning_rate * weight_decay is above 2."""
        if self.learning_rate * self.weight_decay > 1:
            return f"a smaller penalty, such as weight_decay={0.1 / self.learning_rate:g}"
        return f"a smaller learning rate, such as learning_rate={self.learning_rate / 10:g}"

    def learning_rate_at(self, step: int) -> float:
        """Return the learning rate of the update after ``step`` updates: decayed once per complete epoch."""
        return self.learning_rate * self.learning_rate_decay ** (step // self.steps_per_epoch)

    def next_stop(self, step: int, log_every: int) -> int:
        """Return the next update after which a point is due, or an epoch or the whole run is complete.

        It is at most MOST_AT_ONCE updates ahead: between two reports signals wait, and nothing is shown.
        """
        next_point = (step // log_every + 1) * log_every
        epoch_end = (step // self.steps_per_epoch + 1) * self.steps_per_epoch
        return min(next_point, epoch_end, self.steps, step + MOST_AT_ONCE)


class Batches(ABC, Iterator[NDArray[np.int64]]):
    """An endless iterator over batches: row numbers, int64, shape (B,)."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return the state that the next batches depend on."""

    @abstractmethod
    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue exactly from a :meth:`state`."""


def batches(schedule: Schedule, rng: np.random.Generator) -> Batches:
    """Return the batches of this schedule, drawn by ``rng``."""
    match schedule.sampling:
        case Sampling.shuffle:
            return ShuffledBatches(schedule.rows, schedule.batch_size, rng)
        case Sampling.random:
            return RandomBatches(schedule.rows, schedule.batch_size, rng)
        case _:
            assert_never(schedule.sampling)


@final
class RandomBatches(Batches):
    """Every batch is drawn from all rows, with replacement; an epoch is as many batches as one pass would take."""

    def __init__(self, rows: int, batch_size: int, rng: np.random.Generator) -> None:
        self._rows, self._batch_size, self._rng = rows, batch_size, rng

    def __next__(self) -> NDArray[np.int64]:
        return self._rng.integers(0, self._rows, self._batch_size)

    def state(self) -> dict[str, Any]:
        return {"generator": self._rng.bit_generator.state}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._rng.bit_generator.state = state["generator"]


@final
class ShuffledBatches(Batches):
    """Every epoch takes each row once, in a new random order."""

    def __init__(self, rows: int, batch_size: int, rng: np.random.Generator) -> None:
        """Shuffle ``rows`` rows by ``rng``, and cut them into batches; the last one of an epoch may be smaller."""
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
        return {"generator": self._before, "taken": self._taken}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._rng.bit_generator.state = state["generator"]
        self._shuffle()
        self._taken = state["taken"]

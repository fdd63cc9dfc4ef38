"""How far a run is: in memory, and in a checkpoint from which it can go on after an interrupt or a crash."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mlplab import checkpoint, config
from mlplab.checkpoint import Checkpoint
from mlplab.engines import Engine
from mlplab.interrupts import Stopped, held
from mlplab.training import Report, Schedule, Training

log = logging.getLogger(__name__)

Point = tuple[int, dict[str, float]]  # a step, and the metrics there

MOST_SHARE = 20  # after a checkpoint that took t seconds the next comes after 20 t at the earliest


@dataclass
class Progress:
    """A training, and the points that it has logged.

    Attributes:
        path: of the checkpoint.
        seconds_before: that the run took before it was resumed.
    """

    training: Training
    path: Path
    points: list[Point] = field(default_factory=list)
    seconds_before: float = 0.0

    @classmethod
    def of(
        cls,
        settings: config.TrainConfig,
        engine: Engine,
        schedule: Schedule,
        rng: np.random.Generator,
        path: Path,
    ) -> "Progress":
        """Return the training of this config where its checkpoint left it; at its start where there is none.

        Raises:
            CheckpointError: it is damaged.
        """
        splits = ["test", "val"] if settings.data.val_size else ["test"]
        progress = cls(Training(engine, schedule, rng, settings.log_every, splits), path)
        if (found := checkpoint.load(path)) is not None:
            progress.training.restore(found)
            progress.points = [(step, metrics) for step, metrics in found.facts["points"]]
            progress.seconds_before = found.facts["total_seconds"]
        return progress

    def __post_init__(self) -> None:
        self._start, self._next_save = time.perf_counter(), 0.0

    def add(self, report: Report) -> None:
        """Take a report; at the end of an epoch write the checkpoint, unless that would take much of the time."""
        if report.metrics:
            self.points.append((report.step, report.metrics))
        if report.ends_epoch and time.perf_counter() >= self._next_save:
            self._save()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Write a checkpoint when a signal ends what happens inside."""
        try:
            yield
        except Stopped:
            with held():
                self._save()
            raise

    def _save(self) -> None:
        begin = time.perf_counter()
        state = self.training.state()
        total = self.seconds_before + begin - self._start
        facts = {**state.facts, "points": self.points, "total_seconds": total}
        try:
            checkpoint.save(self.path, Checkpoint(state.arrays, facts))
        except OSError as error:
            log.warning("%s: cannot be written (%s); the run goes on, and cannot be resumed", self.path, error)
        now = time.perf_counter()
        self._next_save = now + MOST_SHARE * (now - begin)

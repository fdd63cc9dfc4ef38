"""How far a run is: in memory, and in a checkpoint from which it can go on after an interrupt or a crash."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mlplab import checkpoint
from mlplab.checkpoint import Checkpoint
from mlplab.interrupts import Stopped, held
from mlplab.training import Report, Training

log = logging.getLogger(__name__)

Point = tuple[int, dict[str, float]]  # a step, and the metrics there

MOST_SHARE = 20  # after a checkpoint that took t seconds the next comes after 20 t at the earliest


@dataclass
class Progress:
    """A training, and the points that it has logged.

    Attributes:
        path: of the checkpoint.
        fingerprint: of the run: with what another code or config has left nothing can go on.
        seconds_before: that the run took before it was resumed.
    """

    training: Training
    path: Path
    fingerprint: str
    points: list[Point] = field(default_factory=list)
    seconds_before: float = 0.0

    def go_on(self) -> None:
        """Take up the training where the checkpoint left it; where there is none of this run, it is at its start.

        Raises:
            CheckpointError: it is damaged.
        """
        found = checkpoint.load(self.path)
        if found is not None and found.facts["fingerprint"] == self.fingerprint:
            self.training.restore(found)
            self.points = [(step, metrics) for step, metrics in found.facts["points"]]
            self.seconds_before = found.facts["total_seconds"]

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
        facts = {
            **state.facts,
            "fingerprint": self.fingerprint,
            "points": self.points,
            "total_seconds": total,
        }
        try:
            checkpoint.save(self.path, Checkpoint(state.arrays, facts))
        except OSError as error:
            log.warning("%s: cannot be written (%s); the run goes on, and cannot be resumed", self.path, error)
        now = time.perf_counter()
        self._next_save = now + MOST_SHARE * (now - begin)

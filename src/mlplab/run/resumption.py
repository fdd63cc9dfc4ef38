"""The progress of a run, in a checkpoint from which it can continue after it was killed."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mlplab.signals import Stopped, held
from mlplab.training import checkpoint
from mlplab.training.checkpoint import Checkpoint
from mlplab.training.loop import Report, Training

log = logging.getLogger(__name__)

Point = tuple[int, dict[str, float]]  # a step, and the metrics there

MOST_SHARE = 20  # after a checkpoint that took t seconds, the next is written after 20 t at the earliest


@dataclass
class Checkpointer:
    """Keeps a training, and the points that it has logged, in a checkpoint.

    Attributes:
        folder: of the checkpoint.
        fingerprint: of the run: a checkpoint of other code, data or another config is ignored.
        points: the logged points, in the order of their steps.
        seconds_before: duration of the run before it was resumed.
    """

    training: Training
    folder: Path
    fingerprint: str
    points: list[Point] = field(default_factory=list)
    seconds_before: float = 0.0

    def __post_init__(self) -> None:
        self._path = self.folder / checkpoint.NAME
        self._start, self._next_save = time.perf_counter(), 0.0

    def begin(self, resume: bool) -> None:
        """Restore the training from its checkpoint; without ``resume`` remove the checkpoint of another run.

        Raises:
            CheckpointError: the checkpoint is damaged.
        """
        if not resume:
            self.remove()
            return
        saved = checkpoint.load_checkpoint(self._path)
        if saved is not None and saved.facts["fingerprint"] == self.fingerprint:
            self.training.restore(saved)
            self.points = [(step, metrics) for step, metrics in saved.facts["points"]]
            self.seconds_before = saved.facts["total_seconds"]

    def remove(self) -> None:
        """Remove the checkpoint, if there is one."""
        checkpoint.remove_checkpoint(self._path)

    def add(self, report: Report) -> None:
        """Keep the point of a report; write the checkpoint at the end of an epoch, but not too often."""
        if report.metrics:
            self.points.append((report.step, report.metrics))
        if report.ends_epoch and time.perf_counter() >= self._next_save:
            self._save()

    @contextmanager
    def saved_when_stopped(self) -> Iterator[None]:
        """Write a checkpoint if a signal ends the block."""
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
            checkpoint.save_checkpoint(self._path, Checkpoint(state.arrays, facts))
        except OSError as error:
            log.warning("%s: cannot be written (%s); the run goes on, but cannot be resumed", self._path, error)
        now = time.perf_counter()
        self._next_save = now + MOST_SHARE * (now - begin)

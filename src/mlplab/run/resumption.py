"""The progress of a run, in a checkpoint from which it can continue after it was killed."""

import logging
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mlplab.errors import CheckpointError, DivergedError, StoreError
from mlplab.run.sent_checkpoints import SentCheckpoints
from mlplab.signals import held
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
        folder: of the checkpoint; created.
        sent: those that the store has, too; None where it is given none.
        fingerprint: of the run: a checkpoint of other code, data or another config is ignored.
        points: the logged points, in the order of their steps.
        seconds_before: duration of the run before it was resumed.
    """

    training: Training
    folder: Path
    fingerprint: str
    sent: SentCheckpoints | None = None
    points: list[Point] = field(default_factory=list)
    seconds_before: float = 0.0

    def __post_init__(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(
                f"{self.folder}: cannot be created ({error.strerror}); set another checkpoint_dir"
            ) from error
        self._path = self.folder / checkpoint.NAME
        self._start, self._next_save = time.perf_counter(), 0.0
        self._has_warned = False

    def begin(self, resume: bool) -> None:
        """Restore the training from its checkpoint; without ``resume`` remove the checkpoint of another run.

        Where the last checkpoint is damaged, training goes on from the one before it; where none can be used, it
        begins anew. A warning says which, and why: a damaged file never stops a resume.
        """
        if not resume:
            self.remove()
        elif not self._restore_one((self._path, checkpoint.former(self._path))) and not self._restore_sent():
            log.warning("%s: has no checkpoint to go on from: the run begins anew", self.folder)

    def _restore_one(self, paths: Iterable[Path]) -> bool:
        return any(self._restore(path) for path in paths)

    def _restore_sent(self) -> bool:
        """Restore the training from the latest whole checkpoint that the store has; tell whether there is one."""
        if self.sent is None:
            return False
        with tempfile.TemporaryDirectory() as folder:
            try:
                return self._restore_one(checkpoint.latest_first(self.sent.fetch(Path(folder))))
            except StoreError as error:
                log.warning("%s: the checkpoint in the store cannot be read", error)
        return False

    def _restore(self, path: Path) -> bool:
        """Restore the training from this file; tell whether it could be."""
        beginning = self.training.state()
        try:
            saved = checkpoint.load_checkpoint(path)
            if saved is None or saved.facts.get("fingerprint") != self.fingerprint:
                return False
            checkpoint.require_arrays_like(path, saved, beginning.arrays)
            self.training.restore(saved)
            points = [(int(step), dict(metrics)) for step, metrics in saved.facts["points"]]
            seconds = float(saved.facts["total_seconds"])
        except CheckpointError as error:
            log.warning("%s: it is passed over", error)
        except (KeyError, TypeError, ValueError) as error:  # facts that the training does not understand
            log.warning("%s: is damaged (%r in its facts): it is passed over", path, error)
        else:
            self.points, self.seconds_before = points, seconds
            return True
        self.training.restore(beginning)
        return False

    def remove(self) -> None:
        """Remove the checkpoint, if there is one."""
        checkpoint.remove_checkpoint(self._path)

    def forget(self) -> None:
        """Let the store have no checkpoint any more."""
        if self.sent is not None:
            self.sent.forget()

    def add(self, report: Report) -> None:
        """Keep the point of a report; write the checkpoint at the end of an epoch, but not too often."""
        if report.metrics:
            self.points.append((report.step, report.metrics))
        if report.ends_epoch and time.perf_counter() >= self._next_save:
            self._save()

    @contextmanager
    def saved_when_stopped(self) -> Iterator[None]:
        """Write a checkpoint if a signal or an error ends the block: a resume goes on from there.

        Except after divergence: the run would only diverge again, so that no checkpoint is left.
        """
        try:
            yield
        except DivergedError:
            self.remove()
            self.forget()
            raise
        except BaseException:
            with held():
                if self.training.between_reports:  # an error in the middle of an update leaves weights of no step
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
            if self.sent is not None:
                self.sent.offer(self._path)
        except OSError as error:
            self._warn(error)
        now = time.perf_counter()
        self._next_save = now + MOST_SHARE * (now - begin)

    def _warn(self, error: OSError) -> None:
        """Say once that checkpoints cannot be written: a full disk stays full."""
        if not self._has_warned:
            self._has_warned = True
            reason = error.strerror or error
            log.warning(
                "%s: cannot be written (%s): free space; if the run stops now, resume=true goes on from the "
                "checkpoint before, if there is one",
                self._path,
                reason,
            )


def has_checkpoint(folder: Path) -> bool:
    """Tell whether a run left a checkpoint in its output folder: it can go on, unless the file is damaged."""
    path = folder / checkpoint.NAME
    return path.is_file() or checkpoint.former(path).is_file()

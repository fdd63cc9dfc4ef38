"""Checkpoints as artifacts of the run, for a machine that does not see the folder of the one before."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from mlplab.tracking.run import Run

FOLDER = "checkpoints"
_NAMES = (f"{FOLDER}/a.npz", f"{FOLDER}/b.npz")  # in turn: one that is cut off while it is sent leaves the other whole
MOST_SHARE = 20  # after sending one took t seconds, the next is sent after 20 t at the earliest


@dataclass
class SentCheckpoints:
    """The last two checkpoints that the store has of a run."""

    run: Run
    _sent: int = field(default=0, init=False)
    _next: float = field(default=0.0, init=False)

    def offer(self, checkpoint: Path) -> None:
        """Send this file, unless one was sent a little while ago or still is. Raises OSError: it cannot be copied."""
        now, files = time.monotonic(), self.run.files
        if now >= self._next and not any(files.is_pending(name) for name in _NAMES):
            self._next = now + MOST_SHARE * self.run.slowest_request
            files.send(checkpoint, _NAMES[self._sent % 2])
            self._sent += 1

    def fetch(self, folder: Path) -> list[Path]:
        """Copy the checkpoints that the store has into a folder; return them. Raises StoreError."""
        found = self.run.files.read(FOLDER, folder)
        self._sent += len(found)
        return found

    def forget(self) -> None:
        """Empty the files in the store, which has no public way to remove them: the run has finished."""
        for name in _NAMES[: self._sent]:
            self.run.log_text("", name)

"""Which process a run belongs to, so that a run whose process vanished can be told from one that works."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from mlplab.schema import HOST_TAG, PID_TAG, STARTED_TAG


@dataclass(frozen=True)
class Process:
    """A process of a machine. The start time (seconds since 1970) tells it from a later one with its number."""

    host: str
    pid: int
    started: float

    @classmethod
    def current(cls) -> "Process":
        """Return the process that asks."""
        return cls(socket.gethostname(), os.getpid(), psutil.Process().create_time())

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> "Process | None":
        """Return the process that a run's tags name; None for a run that something else has logged."""
        try:
            return cls(tags[HOST_TAG], int(tags[PID_TAG]), float(tags[STARTED_TAG]))
        except (KeyError, ValueError):
            return None

    def tags(self) -> dict[str, str]:
        """Return the tags that :meth:`from_tags` reads."""
        return {HOST_TAG: self.host, PID_TAG: str(self.pid), STARTED_TAG: f"{self.started:.2f}"}

    def is_here(self) -> bool:
        """Tell whether it is, or was, one of this machine's."""
        return self.host == socket.gethostname()

    def is_gone(self) -> bool:
        """Tell whether it surely runs no more; of another machine's processes nothing is known."""
        if not self.is_here():
            return False
        try:
            process = psutil.Process(self.pid)
            # Start times are computed from the boot time, which moves a little when the clock is corrected.
            is_other = abs(process.create_time() - self.started) > 2
            return is_other or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

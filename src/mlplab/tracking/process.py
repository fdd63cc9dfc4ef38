"""The process that a run belongs to, to recognise runs whose process no longer exists."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from mlplab.schema import HOST_TAG, PID_TAG, STARTED_TAG


@dataclass(frozen=True)
class Process:
    """A process of a machine. Its start time (seconds since 1970) tells it from a later one with the same pid."""

    host: str
    pid: int
    started: float

    @classmethod
    def current(cls) -> "Process":
        """Return the current process."""
        return cls(socket.gethostname(), os.getpid(), psutil.Process().create_time())

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> "Process | None":
        """Return the process that a run's tags name; None for a run that other software logged."""
        try:
            return cls(tags[HOST_TAG], int(tags[PID_TAG]), float(tags[STARTED_TAG]))
        except (KeyError, ValueError):
            return None

    def tags(self) -> dict[str, str]:
        """Return the tags that :meth:`from_tags` reads."""
        return {HOST_TAG: self.host, PID_TAG: str(self.pid), STARTED_TAG: f"{self.started:.2f}"}

    def is_here(self) -> bool:
        """Tell whether the process belongs to this machine."""
        return self.host == socket.gethostname()

    def is_gone(self) -> bool:
        """Tell whether the process has certainly ended; False for a process of another machine."""
        if not self.is_here():
            return False
        try:
            process = psutil.Process(self.pid)
            # Start times are computed from the boot time, which moves a little when the clock is corrected.
            is_other = abs(process.create_time() - self.started) > 2
            return is_other or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

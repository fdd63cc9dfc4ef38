"""The process that a run belongs to, to recognise runs whose process no longer exists."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from mlplab.schema import BOOT_TAG, HOST_TAG, PID_TAG, STARTED_TAG

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")


@dataclass(frozen=True)
class Process:
    """A process of a machine.

    Attributes:
        boot: which boot of the machine, and which namespace of process numbers; "" where the system does not tell.
        started: seconds from that boot to its start, which tell it from a later one with the same pid; no correction
            of the clock changes them.
    """

    host: str
    boot: str
    pid: int
    started: float

    @classmethod
    def current(cls) -> "Process":
        """Return the current process."""
        return cls(socket.gethostname(), _boot(), os.getpid(), _started(psutil.Process()))

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> "Process | None":
        """Return the process that a run's tags name; None for a run that other software, or older code, logged."""
        try:
            return cls(tags[HOST_TAG], tags[BOOT_TAG], int(tags[PID_TAG]), float(tags[STARTED_TAG]))
        except (KeyError, ValueError):
            return None

    def tags(self) -> dict[str, str]:
        """Return the tags that :meth:`from_tags` reads."""
        return {
            HOST_TAG: self.host,
            BOOT_TAG: self.boot,
            PID_TAG: str(self.pid),
            STARTED_TAG: f"{self.started:.2f}",
        }

    def is_here(self) -> bool:
        """Tell whether this machine, in this boot, would show the process under its number."""
        return (self.host, self.boot) == (socket.gethostname(), _boot())

    def is_gone(self) -> bool:
        """Tell whether the process has certainly ended; False for a process of another machine."""
        if not self.is_here():
            return False
        try:
            process = psutil.Process(self.pid)
            is_other = abs(_started(process) - self.started) > 2
            return is_other or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def _started(process: psutil.Process) -> float:
    return round(process.create_time() - psutil.boot_time(), 2)


def _boot() -> str:
    if not _BOOT_ID.exists():
        return ""
    return f"{_BOOT_ID.read_text(encoding='ascii').strip()}/{os.readlink(_PID_NAMESPACE)}"

"""Who may write a run: one process at a time, by a lock on a file that its end releases, however it ends.

Neither a clock, nor a process number, nor a boot time decides, so that nobody takes a live run for a dead one.
"""

from pathlib import Path

from filelock import FileLock, Timeout

_LOCK = "journal.lock"


class Claim:
    """The right to write the run whose journal lies in a folder, until it is released or the process ends."""

    def __init__(self, lock: FileLock) -> None:
        self._lock = lock

    @classmethod
    def take(cls, folder: Path, patience: float = 1.0) -> "Claim | None":
        """Return the claim; None if somebody has it for more than ``patience`` seconds.

        Raises OSError: the folder cannot be written.
        """
        lock = FileLock(folder / _LOCK, timeout=patience, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            return None
        return cls(lock)

    def release(self) -> None:
        """Let others take it; may be called twice."""
        self._lock.release(force=True)


def is_claimed(folder: Path) -> bool:
    """Tell whether a live process, perhaps this one, writes the run of this folder."""
    if not (folder / _LOCK).exists():
        return False
    claim = Claim.take(folder, patience=0)
    if claim is not None:
        claim.release()
    return claim is None

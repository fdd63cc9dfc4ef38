"""Where a run stands in the sweep whose runs this process carries out, and whether a launcher began the process."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A run among those of its sweep.

    Attributes:
        number: of the run, from 1.
        total: runs of the sweep.
        before: how many this process has carried out before it.
        queued: how many it carries out altogether; the others had finished earlier.
        start: when it began with the first, by ``time.monotonic()``.
    """

    number: int
    total: int
    before: int
    queued: int
    start: float

    def seconds_left(self, share: float) -> float | None:
        """Return about how long the sweep still takes when this share of the run is done; None where nothing is."""
        done = self.before + share
        return (time.monotonic() - self.start) / done * (self.queued - done) if done > 0 else None


class _Queue:
    jobs: tuple[int, ...] = ()
    total = 0
    start = 0.0


@contextmanager
def queued_jobs(jobs: Sequence[int], total: int) -> Iterator[None]:
    """Carry out, inside the block, the jobs of these numbers in this order, of a sweep of ``total``."""
    _Queue.jobs, _Queue.total, _Queue.start = tuple(jobs), total, time.monotonic()
    try:
        yield
    finally:
        _Queue.jobs = ()


def place_of_job(job: int | None) -> Place | None:
    """Return where the job of this number stands; None for a run outside of such a sweep."""
    if job not in _Queue.jobs:
        return None
    before, queued = _Queue.jobs.index(job), len(_Queue.jobs)
    return Place(_Queue.total - queued + before + 1, _Queue.total, before, queued, _Queue.start)


class _Process:
    is_launched = False


def note_launched() -> None:
    """Note that a launcher of clusters began this process, perhaps on another machine than the command."""
    _Process.is_launched = True


def is_launched() -> bool:
    """Tell whether :func:`note_launched` was called in this process."""
    return _Process.is_launched

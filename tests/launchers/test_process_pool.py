"""Processes of this machine, one for each slot: the death of one is noticed, and touches no other."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hydra.core.utils import JobReturn, JobStatus

from mlplab.launchers.launch import DiedError, Launch
from mlplab.launchers.process_pool import ProcessPool


@dataclass
class Job:
    """A job that says which process carries it out; one that dies does so only the first time."""

    number: int
    folder: Path
    dies: bool = False
    waits_for: str = ""
    overrides: Any = ()
    cpus: int = 1

    def carry_out(self) -> JobReturn:
        begun = self.folder / f"begun.{self.number}"
        is_first = not begun.exists()
        begun.touch()
        if self.dies and is_first:
            os.kill(os.getpid(), signal.SIGKILL)
        while self.waits_for and not (self.folder / self.waits_for).exists():
            time.sleep(0.02)
        returned = JobReturn()
        returned.status, returned.return_value = JobStatus.COMPLETED, os.getpid()
        return returned


def nothing() -> None:
    """Prepare nothing."""


@pytest.fixture
def pool() -> Iterator[ProcessPool]:
    made = ProcessPool(2, 1, nothing)
    yield made
    made.cancel([])


def ends(launch: Launch, count: int) -> dict[int, JobReturn]:
    returns: dict[int, JobReturn] = {}
    while len(returns) < count:
        returns |= launch.wait()
    return returns


def test_a_slot_keeps_its_process(pool: ProcessPool, tmp_path: Path) -> None:
    launch = Launch(pool)
    launch.start([Job(0, tmp_path)])  # type: ignore[list-item]
    first = ends(launch, 1)[0].return_value
    launch.start([Job(1, tmp_path)])  # type: ignore[list-item]
    assert ends(launch, 1)[1].return_value == first
    assert first != os.getpid()
    assert launch.is_over


def test_a_job_whose_process_was_killed_goes_on_and_the_others_do_not_notice(
    pool: ProcessPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlplab.launchers.launch._going_on", lambda job: job)  # ours takes no overrides
    launch = Launch(pool)
    launch.start([Job(0, tmp_path, waits_for="end"), Job(1, tmp_path, dies=True)])  # type: ignore[list-item]
    assert launch.free_slots == 0
    assert list(ends(launch, 1)) == [1]
    (tmp_path / "end").touch()
    assert list(ends(launch, 1)) == [0]


def test_death_is_told_from_an_error(pool: ProcessPool, tmp_path: Path) -> None:
    (ticket,) = pool.submit([Job(0, tmp_path, dies=True)])  # type: ignore[list-item]
    while not pool.wait([ticket], 1.0):
        pass
    with pytest.raises(DiedError, match="it was killed"):
        pool.result(ticket)

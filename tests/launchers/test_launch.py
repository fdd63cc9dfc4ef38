"""A launch goes on with what dies, gives up what dies again and again, and cancels everything when it is stopped."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hydra.core.utils import JobReturn, JobStatus

from mlplab.launchers.job import Job
from mlplab.launchers.launch import ATTEMPTS, DiedError, RaisedError, StoppedBeforeItsLimitError, carry_out_jobs
from mlplab.signals import Stopped

FINISHED = "finished"


def job(number: int) -> Job:
    nothing: Any = None
    return Job(nothing, nothing, nothing, number, [f"job={number}"], 1, nothing)


@dataclass
class FakePool:
    """A pool whose jobs end as planned.

    Attributes:
        plan: by number, how each attempt ends: FINISHED, or the error.
        begun: overrides of what was submitted, by number.
    """

    plan: dict[int, list[str | BaseException]]
    begun: dict[int, list[Sequence[str]]] = field(default_factory=dict)
    cancelled: list[Any] = field(default_factory=list)

    def submit(self, jobs: Sequence[Job]) -> list[tuple[int, int]]:
        tickets = []
        for one in jobs:
            attempts = self.begun.setdefault(one.number, [])
            attempts.append(one.overrides)
            tickets.append((one.number, len(attempts)))
        return tickets

    def wait(self, tickets: Sequence[tuple[int, int]], seconds: float) -> Iterable[tuple[int, int]]:
        assert seconds > 0
        return list(tickets)[-1:]  # the last one first: the order of the results does not depend on it

    def result(self, ticket: tuple[int, int]) -> JobReturn:
        number, attempt = ticket
        end = self.plan[number][attempt - 1]
        if isinstance(end, BaseException):
            raise end
        returned = JobReturn()
        returned.status, returned.return_value = JobStatus.COMPLETED, number
        return returned

    def cancel(self, tickets: Sequence[tuple[int, int]]) -> None:
        self.cancelled += tickets


def carry_out(pool: FakePool) -> list[JobReturn]:
    return carry_out_jobs(pool, [job(number) for number in pool.plan])


def test_results_come_in_the_order_of_the_jobs() -> None:
    pool = FakePool({0: [FINISHED], 1: [FINISHED], 2: [FINISHED]})
    assert [returned.return_value for returned in carry_out(pool)] == [0, 1, 2]
    assert pool.begun == {number: [[f"job={number}"]] for number in range(3)}


def test_a_job_whose_process_died_goes_on_in_another() -> None:
    pool = FakePool({0: [FINISHED], 1: [DiedError("node lost"), FINISHED]})
    assert [returned.return_value for returned in carry_out(pool)] == [0, 1]
    assert pool.begun[1] == [["job=1"], ["job=1", "resume=true"]]


def test_a_job_that_kills_every_process_is_given_up_and_the_others_are_not() -> None:
    pool = FakePool({0: [DiedError("out of memory")] * ATTEMPTS, 1: [FINISHED]})
    died, finished = carry_out(pool)
    assert len(pool.begun[0]) == ATTEMPTS
    assert finished.return_value == 1
    with pytest.raises(Exception, match="out of memory"):
        _ = died.return_value


def test_a_job_that_raises_outside_of_its_run_is_not_tried_again() -> None:
    pool = FakePool({0: [RaisedError("ModuleNotFoundError: No module named 'x'")]})
    (returned,) = carry_out(pool)
    assert len(pool.begun[0]) == 1
    with pytest.raises(Exception, match="No module named 'x'"):
        _ = returned.return_value


def test_a_time_limit_is_no_death_however_often_it_comes() -> None:
    pool = FakePool({0: [StoppedBeforeItsLimitError("TIMEOUT")] * 5 + [FINISHED]})
    assert carry_out(pool)[0].return_value == 0
    assert len(pool.begun[0]) == 6


def test_a_signal_cancels_everything_that_has_not_ended() -> None:
    pool = FakePool({0: [FINISHED], 1: [Stopped(15)], 2: [FINISHED]})
    with pytest.raises(Stopped):
        carry_out(pool)
    assert pool.cancelled == [(0, 1)]

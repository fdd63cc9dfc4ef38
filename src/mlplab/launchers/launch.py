"""The life of a launch, whatever carries it out: a job whose process or machine died goes on elsewhere."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from mlplab.errors import SweepError
from mlplab.launchers.job import Job
from mlplab.signals import held

log = logging.getLogger(__name__)

ATTEMPTS = 3  # at a job whose process dies: perhaps it is the job that kills it
_POLL_SECONDS = 1.0

Ticket = TypeVar("Ticket")


class DiedError(Exception):
    """The process or machine that carried a job out is gone; the message says what is known."""


class StoppedBeforeItsLimitError(DiedError):
    """The job's time was nearly over: it ended in order, and goes on in another."""


class RaisedError(DiedError):
    """The job raised outside of its run: it would again, anywhere."""


class Pool(Protocol[Ticket]):
    """Carries jobs out somewhere. A ticket, which can be hashed, stands for one that was submitted."""

    def submit(self, jobs: Sequence[Job]) -> list[Ticket]:
        """Submit the jobs; return their tickets in the same order."""

    def wait(self, tickets: Sequence[Ticket], seconds: float) -> Iterable[Ticket]:
        """Wait so long for one of them to end; return those that have."""

    def result(self, ticket: Ticket) -> JobReturn:
        """Return the result of a job that has ended. Raises DiedError, or a subclass."""

    def cancel(self, tickets: Sequence[Ticket]) -> None:
        """Ask these jobs to end, wherever they run, and wait a little until they have."""


@dataclass
class Launch:
    """Jobs that a pool carries out."""

    pool: Pool  # type: ignore[type-arg]
    jobs: Sequence[Job]
    _deaths: dict[int, int] = field(default_factory=dict, init=False)

    def carry_out(self) -> list[JobReturn]:
        """Carry all jobs out; return their results in the same order. A signal cancels them, on every machine."""
        returns: dict[int, JobReturn] = {}
        numbers = {}
        try:
            with held():
                numbers = dict(zip(self.pool.submit(self.jobs), range(len(self.jobs)), strict=True))
            while numbers:
                for ticket in self.pool.wait(list(numbers), _POLL_SECONDS):
                    number = numbers.pop(ticket)
                    returned = self._result(ticket, number)
                    if returned is not None:
                        returns[number] = returned
                    else:
                        (again,) = self.pool.submit([_going_on(self.jobs[number])])
                        numbers[again] = number
        except BaseException:
            with held():
                self.pool.cancel(list(numbers))
            raise
        return [returns[number] for number in range(len(self.jobs))]

    def _result(self, ticket: object, number: int) -> JobReturn | None:
        """Return the result of a job that has ended; None if it is to go on elsewhere."""
        try:
            return self.pool.result(ticket)
        except DiedError as error:
            return None if self._is_to_go_on(number, error) else _failed(self.jobs[number], error)

    def _is_to_go_on(self, number: int, error: DiedError) -> bool:
        if isinstance(error, StoppedBeforeItsLimitError):
            return True
        if isinstance(error, RaisedError):
            return False
        self._deaths[number] = self._deaths.get(number, 0) + 1
        if self._deaths[number] == ATTEMPTS:
            return False
        log.warning("the process of job %d died (%s); it goes on in another", self.jobs[number].number, error)
        return True


def _going_on(job: Job) -> Job:
    return replace(job, overrides=[*job.overrides, "resume=true"])


def _failed(job: Job, error: DiedError) -> JobReturn:
    returned = JobReturn()
    returned.overrides, returned.status = list(job.overrides), JobStatus.FAILED
    returned.return_value = SweepError(str(error))
    return returned


def jobs_of(
    context: HydraContext, task: TaskFunction, config: DictConfig, overrides: Sequence[Sequence[str]], first: int,
    cpus: int,
) -> list[Job]:  # fmt: skip
    """Return the jobs that Hydra asks a launcher to carry out, from number ``first`` on."""
    singletons = Singleton.get_state()
    return [
        Job(context, task, config, number, texts, cpus, singletons)
        for number, texts in enumerate(overrides, start=first)
    ]

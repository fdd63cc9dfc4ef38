"""The life of a launch, whatever carries it out: a job whose process or machine died goes on elsewhere."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

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

    @property
    def slots(self) -> int:
        """How many jobs it carries out at once."""

    @property
    def cpus_per_job(self) -> int:
        """How many CPUs one job is granted."""

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
    """Jobs that a pool carries out; more may be added while it does."""

    pool: Pool  # type: ignore[type-arg]
    _running: dict[Any, Job] = field(default_factory=dict, init=False)
    _deaths: Counter[int] = field(default_factory=Counter, init=False)

    @property
    def free_slots(self) -> int:
        """How many more jobs would begin at once."""
        return self.pool.slots - len(self._running)

    @property
    def is_over(self) -> bool:
        """Whether all jobs have ended."""
        return not self._running

    def start(self, jobs: Sequence[Job]) -> None:
        """Submit jobs."""
        with held():
            self._running |= zip(self.pool.submit(jobs), jobs, strict=True)

    def wait(self) -> dict[int, JobReturn]:
        """Wait a moment; return the results of jobs that have ended, by their numbers."""
        returns = {}
        for ticket in self.pool.wait(list(self._running), _POLL_SECONDS):
            job = self._running.pop(ticket)
            returned = self._result(ticket, job)
            if returned is not None:
                returns[job.number] = returned
            else:
                self.start([_going_on(job)])
        return returns

    def cancel(self) -> None:
        """End all jobs, on every machine."""
        with held():
            self.pool.cancel(list(self._running))

    def _result(self, ticket: object, job: Job) -> JobReturn | None:
        """Return the result of a job that has ended; None if it is to go on elsewhere."""
        try:
            return self.pool.result(ticket)
        except DiedError as error:
            return None if self._is_to_go_on(job.number, error) else _failed(job, error)

    def _is_to_go_on(self, number: int, error: DiedError) -> bool:
        if isinstance(error, StoppedBeforeItsLimitError):
            return True
        if isinstance(error, RaisedError):
            return False
        self._deaths[number] += 1
        if self._deaths[number] == ATTEMPTS:
            return False
        log.warning("the process of job %d died (%s); it goes on in another", number, error)
        return True


def carry_out_jobs(pool: Pool, jobs: Sequence[Job]) -> list[JobReturn]:  # type: ignore[type-arg]
    """Carry all jobs out; return their results in the same order. A signal cancels them, on every machine."""
    launch, returns = Launch(pool), dict[int, JobReturn]()
    try:
        launch.start(jobs)
        while not launch.is_over:
            returns |= launch.wait()
    except BaseException:
        launch.cancel()
        raise
    return [returns[job.number] for job in jobs]


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

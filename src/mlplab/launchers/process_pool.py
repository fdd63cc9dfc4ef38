"""Jobs in processes of this machine. Each slot has its own: the death of one does not touch the others.

joblib, which carries out sweeps here, takes its tasks all at once, and ends all of them when one process is killed.
"""

import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context

import cloudpickle
from hydra.core.utils import JobReturn

from mlplab.launchers.job import Job
from mlplab.launchers.launch import DiedError

CANCEL_SECONDS = 30.0  # in which members end in order

Ticket = Future[bytes]


@dataclass
class ProcessPool:
    """Processes of this machine.

    Attributes:
        slots: how many at most.
        cpus_per_job: that one job is granted.
        initializer: called once in each.
    """

    slots: int
    cpus_per_job: int
    initializer: Callable[[], None]
    _idle: list[ProcessPoolExecutor] = field(default_factory=list, init=False)
    _busy: dict[Ticket, ProcessPoolExecutor] = field(default_factory=dict, init=False)

    def submit(self, jobs: Sequence[Job]) -> list[Ticket]:
        """Give each job a process."""
        return [self._submit(job) for job in jobs]

    def _submit(self, job: Job) -> Ticket:
        process = self._idle.pop() if self._idle else self._new()
        ticket = process.submit(_carry_out, cloudpickle.dumps(job))
        self._busy[ticket] = process
        return ticket

    def _new(self) -> ProcessPoolExecutor:
        # Spawned: a fork of a process with threads, such as that which sends to the store, may hang.
        return ProcessPoolExecutor(1, get_context("spawn"), _begin, (self.initializer,))

    def wait(self, tickets: Sequence[Ticket], seconds: float) -> Iterable[Ticket]:
        """Wait for one to end."""
        return wait(tickets, seconds, FIRST_COMPLETED).done

    def result(self, ticket: Ticket) -> JobReturn:
        """Return the result of a job that has ended."""
        process = self._busy.pop(ticket)
        try:
            returned: JobReturn = cloudpickle.loads(ticket.result())
        except BrokenProcessPool as error:
            process.shutdown(wait=False)
            raise DiedError("it was killed") from error
        self._idle.append(process)
        return returned

    def cancel(self, tickets: Sequence[Ticket]) -> None:
        """Let nothing begin any more, and wait for the jobs, which the sweep has asked to end."""
        for process in [*self._idle, *self._busy.values()]:
            process.shutdown(wait=False, cancel_futures=True)
        wait(tickets, CANCEL_SECONDS)


def _begin(initializer: Callable[[], None]) -> None:
    _leave_ctrl_c_to_the_sweep()
    initializer()


def _carry_out(pickled: bytes) -> bytes:
    job: Job = cloudpickle.loads(pickled)
    try:
        returned: bytes = cloudpickle.dumps(job.carry_out())
    finally:
        _leave_ctrl_c_to_the_sweep()
    return returned


def _leave_ctrl_c_to_the_sweep() -> None:
    """A terminal sends Ctrl-C to all its processes: without a job, this one ends when the sweep lets it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

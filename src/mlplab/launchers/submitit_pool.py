"""Jobs of SLURM, by submitit: one array of jobs, each with a process of its own; or such processes on this machine."""

import logging
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import submitit
from hydra.core.utils import JobReturn
from submitit.core.utils import FailedJobError, UncompletedJobError

from mlplab.errors import ConfigError
from mlplab.launchers.job import Job, carry_out_launched
from mlplab.launchers.launch import DiedError, RaisedError, StoppedBeforeItsLimitError
from mlplab.paths import worker_variables
from mlplab.signals import TIME_LIMIT_STATUS

CANCEL_SECONDS = 30.0  # in which members end in order; SLURM's own patience
_SHOW_SECONDS = 5.0  # between two questions to SLURM
_LIVE = ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED", "REQUEUE_HOLD", "STOPPED")

Ticket = submitit.Job[JobReturn]


@dataclass
class SubmititPool:
    """A way to submit jobs.

    Attributes:
        cpus_per_job: that one job is granted.
        slots: how many jobs at once.
        is_over: tells whether a job that left no result has ended, and how.
    """

    executor: submitit.AutoExecutor
    cpus_per_job: int
    slots: int
    is_over: Callable[[Ticket], str | None]

    @classmethod
    def of(cls, cluster: str, folder: str, cpus_per_job: int, **parameters: Any) -> "SubmititPool":
        """Return the pool for a ``cluster``, slurm or local; ``parameters`` are submitit's, for its jobs.

        Raises ConfigError: this machine has no SLURM.
        """
        try:
            executor = submitit.AutoExecutor(folder=Path(folder) / ".submitit" / "%j", cluster=cluster)
        except RuntimeError as error:
            raise ConfigError(
                "hydra/launcher=slurm: this machine has no sbatch; type it where jobs are submitted, or take "
                "hydra/launcher=submitit_local"
            ) from error
        given = {key: value for key, value in parameters.items() if value is not None}
        executor.update_parameters(cpus_per_task=cpus_per_job, **given)
        slots = parameters.get("slurm_array_parallelism") or max(1, (os.cpu_count() or 1) // cpus_per_job)
        return cls(executor, cpus_per_job, slots, _Slurm().how_ended if cluster == "slurm" else _how_process_ended)

    def submit(self, jobs: Sequence[Job]) -> list[Ticket]:
        """Submit the jobs, as one array."""
        os.environ.update(worker_variables())  # which their processes inherit: they import the code of this command
        try:
            return self.executor.map_array(carry_out_launched, jobs)
        except (FailedJobError, OSError) as error:
            reason = " ".join(str(error).split())[:300]
            raise ConfigError(
                f"hydra/launcher=slurm: sbatch refuses the jobs ({reason}); correct hydra.launcher.slurm_partition "
                "and the other limits, or ask whoever runs SLURM"
            ) from error

    def wait(self, tickets: Sequence[Ticket], seconds: float) -> Iterable[Ticket]:
        """Wait so long, and return those that have ended."""
        ended = [ticket for ticket in tickets if self._has_ended(ticket)]
        if not ended:
            time.sleep(seconds)
        return ended

    def _has_ended(self, ticket: Ticket) -> bool:
        return ticket.paths.result_pickle.exists() or self.is_over(ticket) is not None

    def result(self, ticket: Ticket) -> JobReturn:
        """Return the result of a job that has ended."""
        if not ticket.paths.result_pickle.exists():
            how = self.is_over(ticket) or ""
            raise StoppedBeforeItsLimitError(how) if how.endswith(f" {TIME_LIMIT_STATUS}") else DiedError(how)
        try:
            return ticket.result()
        except FailedJobError as error:
            raise RaisedError(_last_line_of_traceback(str(error))) from error
        except UncompletedJobError as error:
            raise DiedError(str(error).splitlines()[0]) from error

    def cancel(self, tickets: Sequence[Ticket]) -> None:
        """Send SIGTERM to what runs, take back what waits, and wait until all have ended."""
        for ticket in tickets:
            ticket.cancel(check=False)
        deadline = time.monotonic() + CANCEL_SECONDS
        while time.monotonic() < deadline and not all(map(self._has_ended, tickets)):
            time.sleep(0.2)


def _last_line_of_traceback(text: str) -> str:
    """Return the line that names the error, above submitit's rule and its hint at the logs."""
    lines = [line.strip() for line in text.partition("You can check")[0].splitlines()]
    return next((line for line in reversed(lines) if line.strip("-")), "it raised an error")


def _how_process_ended(ticket: Ticket) -> str | None:
    return "ended without a result" if ticket.done() else None


class _Slurm:
    """What SLURM says of jobs, by ``scontrol``: ``sacct``, which submitit asks, needs an accounting database."""

    def __init__(self) -> None:
        self._asked = 0.0
        self._ended: dict[str, str] = {}

    def how_ended(self, ticket: Ticket) -> str | None:
        """Return state and exit status of a job that is over; None for one that is not."""
        if time.monotonic() - self._asked > _SHOW_SECONDS:
            self._asked = time.monotonic()
            self._ended |= _ended_jobs()
        return self._ended.get(ticket.job_id)


def _ended_jobs() -> Mapping[str, str]:
    shown = subprocess.run(["scontrol", "--oneliner", "show", "jobs"], capture_output=True, text=True, check=False)
    if shown.returncode:
        logging.getLogger(__name__).info("scontrol: %s", shown.stderr.strip())
        return {}
    ended = {}
    for line in shown.stdout.splitlines():
        facts = dict(word.partition("=")[::2] for word in line.split() if "=" in word)
        if "JobState" in facts and facts["JobState"] not in _LIVE:
            number = facts["JobId"]
            if "ArrayJobId" in facts:
                number = f"{facts['ArrayJobId']}_{facts['ArrayTaskId']}"
            ended[number] = f"{facts['JobState']}, exit status {facts['ExitCode'].partition(':')[0]}"
    return ended

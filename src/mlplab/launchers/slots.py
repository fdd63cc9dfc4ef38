"""Jobs one by one: as one ends, the next begins. A search decides each only then."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from mlplab.launchers.job import Job
from mlplab.launchers.launch import Launch, Pool, jobs_of
from mlplab.launchers.process_pool import ProcessPool


class Slots(Protocol):
    """A number of jobs at once."""

    @property
    def free(self) -> int:
        """How many more jobs would begin at once."""

    @property
    def are_empty(self) -> bool:
        """Whether no job is left."""

    def start(self, number: int, overrides: Sequence[str]) -> None:
        """Begin the job of this number."""

    def wait(self) -> dict[int, JobReturn]:
        """Wait a moment; return the results of jobs that have ended, by their numbers."""

    def cancel(self) -> None:
        """End all jobs."""


@runtime_checkable
class SlottedLauncher(Protocol):
    """A launcher that takes jobs one by one, too."""

    def slots(self) -> "PoolSlots":
        """Return its slots."""


@dataclass
class OneSlot:
    """This process carries out a job, and nothing else in the meantime."""

    launcher: Launcher
    _returns: dict[int, JobReturn] = field(default_factory=dict, init=False)

    @property
    def free(self) -> int:
        """One, unless the result of a job has not been fetched."""
        return 1 - len(self._returns)

    @property
    def are_empty(self) -> bool:
        """Whether no result waits."""
        return not self._returns

    def start(self, number: int, overrides: Sequence[str]) -> None:
        """Carry the job out."""
        (self._returns[number],) = self.launcher.launch([overrides], initial_job_idx=number)

    def wait(self) -> dict[int, JobReturn]:
        """Return its result."""
        returns, self._returns = self._returns, {}
        return returns

    def cancel(self) -> None:
        """Nothing runs beside the caller."""


@dataclass
class PoolSlots:
    """The slots of a pool."""

    _launch: Launch
    _job: Callable[[int, Sequence[str]], Job]

    @classmethod
    def of(cls, pool: Pool, context: HydraContext, task: TaskFunction, config: DictConfig) -> "PoolSlots":  # type: ignore[type-arg]
        """Return the slots of this pool, for jobs of Hydra."""

        def job(number: int, overrides: Sequence[str]) -> Job:
            (one,) = jobs_of(context, task, config, [overrides], number, pool.cpus_per_job)
            return one

        return cls(Launch(pool), job)

    @property
    def free(self) -> int:
        """How many more jobs would begin at once."""
        return self._launch.free_slots

    @property
    def are_empty(self) -> bool:
        """Whether no job is left."""
        return self._launch.is_over

    def start(self, number: int, overrides: Sequence[str]) -> None:
        """Submit the job of this number."""
        self._launch.start([self._job(number, overrides)])

    def wait(self) -> dict[int, JobReturn]:
        """Wait a moment; return the results of jobs that have ended, by their numbers."""
        return self._launch.wait()

    def cancel(self) -> None:
        """End all jobs, on every machine."""
        self._launch.cancel()


def joblib_slots(launcher: Launcher, initializer: Callable[[], None]) -> PoolSlots:
    """Return as many slots as joblib would have workers, each with its share of the cores.

    ``initializer`` is called once in each of the processes.
    """
    from joblib import effective_n_jobs  # it changes the environment when it is imported

    workers = effective_n_jobs(launcher.joblib["n_jobs"])  # type: ignore[attr-defined]
    setup = launcher.hydra_context, launcher.task_function, launcher.config  # type: ignore[attr-defined]
    return PoolSlots.of(ProcessPool(workers, max(1, (os.cpu_count() or 1) // workers), initializer), *setup)

"""Jobs of a sweep as tasks of Ray: as many at once as it has CPUs for, each in a process of its own.

hydra-ray-launcher pins cloudpickle below 3, which PyTorch's and Ray's own newer releases exclude, and waits for batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import ray
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus
from ray.exceptions import RayError, RaySystemError, RayTaskError, TaskCancelledError

from mlplab.errors import ConfigError, SweepError
from mlplab.launchers.job import Jobs
from mlplab.launchers.threads import limit_threads
from mlplab.paths import PROJECT_ROOT

ATTEMPTS = 3  # of a job whose process or machine dies: perhaps it is the job that kills it
CANCEL_SECONDS = 10.0  # in which members end in order after Ctrl-C
_POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Cluster:
    """What to ask of Ray.

    Attributes:
        address: of a cluster; None starts Ray on this machine, for this command.
        cpus: in all, where Ray is started; None: all that the machine has.
        cpus_per_job, gpus_per_job: that one job is granted.
    """

    address: str | None
    cpus: int | None
    cpus_per_job: int
    gpus_per_job: float

    def connect(self) -> None:
        """Start Ray, or join the cluster. Raises ConfigError: there is none at this address."""
        environment = {"PYTHONPATH": str(PROJECT_ROOT / "src")}
        own = {} if self.address else {"num_cpus": self.cpus, "include_dashboard": False}
        try:
            ray.init(
                address=self.address or "local",
                runtime_env={"env_vars": environment},
                log_to_driver=False,
                logging_level="ERROR",
                **own,
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ConfigError(
                f"RAY_ADDRESS={self.address}: no cluster of Ray answers ({reason}); start one with `ray start --head`, "
                "or take hydra/launcher=ray for this machine alone"
            ) from error


@ray.remote(max_retries=0)
def _carry_out(jobs: Jobs, number: int, overrides: Sequence[str], singletons: object, cpus: int) -> JobReturn:
    limit_threads(cpus)
    return jobs.carry_out(number, overrides, singletons)


@dataclass
class RayJobs:
    """The jobs of one launch.

    Attributes:
        overrides: of each job, by its place in the launch.
    """

    cluster: Cluster
    jobs: Jobs
    overrides: Sequence[Sequence[str]]
    _pending: dict[Any, int] = field(default_factory=dict, init=False)  # references of Ray to what runs or waits
    _attempts: dict[int, int] = field(default_factory=dict, init=False)

    def launch(self) -> list[JobReturn]:
        """Carry out all jobs; return their results in the order of ``overrides``.

        A job whose process or machine died goes on elsewhere. If a signal ends the command, all are cancelled.
        """
        returns: dict[int, JobReturn] = {}
        for place in range(len(self.overrides)):
            self._submit(place)
        try:
            while self._pending:
                done, _ = ray.wait(list(self._pending), num_returns=1, timeout=_POLL_SECONDS)
                for reference in done:
                    place = self._pending.pop(reference)
                    returned = self._result(reference, place)
                    if returned is None:
                        self._submit(place)
                    else:
                        returns[place] = returned
        except BaseException:
            self._cancel()
            raise
        return [returns[place] for place in range(len(self.overrides))]

    def _submit(self, place: int) -> None:
        cluster, attempt = self.cluster, self._attempts.get(place, 0)
        overrides = [*self.overrides[place], *(["resume=true"] if attempt else [])]
        task = _carry_out.options(num_cpus=cluster.cpus_per_job, num_gpus=cluster.gpus_per_job)
        reference = task.remote(self.jobs, place, overrides, Singleton.get_state(), cluster.cpus_per_job)
        self._pending[reference] = place
        self._attempts[place] = attempt + 1

    def _result(self, reference: Any, place: int) -> JobReturn | None:
        """Return the job's result; None if it is to be submitted again."""
        try:
            returned = ray.get(reference)
        except (RayTaskError, RaySystemError, RayError) as error:
            if self._attempts[place] < ATTEMPTS and not isinstance(error, RayTaskError | TaskCancelledError):
                return None
            returned = JobReturn()
            returned.overrides, returned.status = list(self.overrides[place]), JobStatus.FAILED
            returned.return_value = SweepError(f"its process died: {str(error).splitlines()[0]}")
        assert isinstance(returned, JobReturn)
        return returned

    def _cancel(self) -> None:
        """Ask what runs to end, wherever it is, and wait until it has."""
        for reference in self._pending:
            ray.cancel(reference, force=False)
        ray.wait(list(self._pending), num_returns=len(self._pending), timeout=CANCEL_SECONDS)

"""Jobs as tasks of Ray: as many at once as it has CPUs for, each in a process of its own.

Hydra's own plugin for Ray, 1.2.2, pins cloudpickle below 3; this project runs with 3.
"""

import logging
import os
import socket
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import ray
from hydra.core.utils import JobReturn
from ray.exceptions import RayError, RayTaskError, TaskCancelledError

from mlplab.checks import require
from mlplab.errors import ConfigError
from mlplab.launchers import ray_gate
from mlplab.launchers.job import Job, carry_out_launched
from mlplab.launchers.launch import DiedError, RaisedError
from mlplab.paths import worker_variables
from mlplab.signals import kept

# Of this process, for its workers. Ray writes them into its logs: a server's password must be set on every machine.
_VARIABLES = ("MLPLAB_LAUNCH", "MLPLAB_DATA_ROOT")
_PROBE_SECONDS = 5.0
CANCEL_SECONDS = 30.0  # in which members end in order


@ray.remote(max_retries=0)
def _carry_out(job: Job, gate: Any) -> JobReturn:
    with ray_gate.passed(gate):
        return carry_out_launched(job)


@dataclass
class RayPool:
    """Ray, once it is connected.

    Attributes:
        address: of a cluster; None starts Ray on this machine, for this command.
        cpus: that Ray has in all, where it is started; None: all of the machine.
        cpus_per_job, gpus_per_job: that one job is granted.
    """

    address: str | None
    cpus: int | None
    cpus_per_job: int
    gpus_per_job: float
    _gate: Any = field(default=None, init=False)

    def connect(self) -> None:
        """Start Ray, or join the cluster; once in a process. Raises ConfigError: there is no cluster."""
        if ray.is_initialized():
            return
        if self.address is not None:
            _require_cluster(self.address)
        own: dict[str, Any] = {} if self.address else {"num_cpus": self.cpus, "include_dashboard": False}
        own_variables = {key: os.environ[key] for key in _VARIABLES if key in os.environ}
        code = {"env_vars": {**own_variables, **worker_variables()}}
        try:
            with kept():
                address = self.address or "local"
                ray.init(address, runtime_env=code, log_to_driver=False, logging_level=logging.ERROR, **own)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise _no_cluster(self.address or "local", str(error).splitlines()[0]) from error
        largest = max(node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"])  # type: ignore[no-untyped-call]
        require(
            "hydra.launcher.cpus_per_job",
            self.cpus_per_job,
            self.cpus_per_job <= largest,
            f"no machine of Ray has so many CPUs; take at most {largest:g}",
        )

    @property
    def slots(self) -> int:
        """As many jobs at once as Ray has CPUs for, and at least one, which may wait for them."""
        cpus = int(ray.cluster_resources().get("CPU", 0))  # type: ignore[no-untyped-call]
        return max(1, cpus // self.cpus_per_job)

    def submit(self, jobs: Sequence[Job]) -> list["ray.ObjectRef[JobReturn]"]:
        """Submit the jobs."""
        self._gate = self._gate or ray_gate.opened()
        task = _carry_out.options(num_cpus=self.cpus_per_job, num_gpus=self.gpus_per_job)
        return [task.remote(job, self._gate) for job in jobs]

    def wait(
        self, tickets: Sequence["ray.ObjectRef[JobReturn]"], seconds: float
    ) -> Iterable["ray.ObjectRef[JobReturn]"]:
        """Wait for one to end."""
        return ray.wait(list(tickets), num_returns=1, timeout=seconds)[0]

    def result(self, ticket: "ray.ObjectRef[JobReturn]") -> JobReturn:
        """Return the result of a job that has ended."""
        try:
            return ray.get(ticket)
        except (RayTaskError, TaskCancelledError) as error:
            raise RaisedError(str(error).strip().splitlines()[-1]) from error
        except RayError as error:
            raise DiedError(str(error).splitlines()[0]) from error

    def cancel(self, tickets: Sequence["ray.ObjectRef[JobReturn]"]) -> None:
        """Interrupt what runs, take back what waits, and wait until all have ended."""
        if not tickets:
            return
        deadline = time.monotonic() + CANCEL_SECONDS
        with suppress(RayError):  # what it guards is gone with it
            ray_gate.close(self._gate)
        for ticket in tickets:
            ray.cancel(ticket)
        ray.wait(list(tickets), num_returns=len(tickets), timeout=CANCEL_SECONDS)
        with suppress(RayError):
            ray_gate.wait_until_empty(self._gate, deadline)


def _require_cluster(address: str) -> None:
    """Raise ConfigError if nobody listens there: Ray itself would ask for more than a minute."""
    host, _, port = address.rpartition(":")
    require(
        "RAY_ADDRESS", address, bool(host) and port.isdecimal(), "takes HOST:PORT, as `ray start --head` prints it"
    )
    try:
        socket.create_connection((host, int(port)), timeout=_PROBE_SECONDS).close()
    except OSError as error:
        raise _no_cluster(address, str(error)) from error


def _no_cluster(address: str, reason: str) -> ConfigError:
    return ConfigError(
        f"RAY_ADDRESS={address}: no cluster of Ray answers ({reason}); start one with `ray start --head`, or take "
        "hydra/launcher=ray for this machine alone"
    )

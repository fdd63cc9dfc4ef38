"""The plugins for ``hydra/launcher=ray`` and ``ray_cluster``. Hydra finds them here; the work is in
:mod:`mlplab.launchers`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

if TYPE_CHECKING:
    from mlplab.launchers.slots import PoolSlots


@dataclass
class RayConfig:
    """Ray on this machine, for one command."""

    _target_: str = "hydra_plugins.mlplab_ray_launcher.RayLauncher"
    address: Optional[str] = None  # noqa: UP045 - OmegaConf 2.3 reads Optional, not `str | None`
    cpus: Optional[int] = None  # noqa: UP045
    cpus_per_job: int = 1
    gpus_per_job: float = 0.0


@dataclass
class RayClusterConfig(RayConfig):
    """A cluster that ``ray start`` has brought up."""

    address: Optional[str] = "${oc.env:RAY_ADDRESS,'?'}"  # noqa: UP045


ConfigStore.instance().store(group="hydra/launcher", name="ray", node=RayConfig, provider="mlplab")
ConfigStore.instance().store(group="hydra/launcher", name="ray_cluster", node=RayClusterConfig, provider="mlplab")


class RayLauncher(Launcher):
    """Carries out the jobs of a sweep as tasks of Ray."""

    def __init__(self, **options: Any) -> None:
        """Keep the options."""
        self._options = options

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self._setup = (hydra_context, task_function, config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from mlplab.launchers.installed import ray_pool  # Hydra loads every plugin for every command
        from mlplab.launchers.launch import carry_out_jobs, jobs_of

        pool = ray_pool(**self._options)
        jobs = jobs_of(*self._setup, job_overrides, initial_job_idx, pool.cpus_per_job)
        return carry_out_jobs(pool, jobs)

    def slots(self) -> "PoolSlots":
        """Return the slots, for jobs that come one by one."""
        from mlplab.launchers.installed import ray_pool
        from mlplab.launchers.slots import PoolSlots

        return PoolSlots.of(ray_pool(**self._options), *self._setup)

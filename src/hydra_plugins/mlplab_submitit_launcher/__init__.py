"""The plugins for ``hydra/launcher=slurm`` and ``submitit_local``. Hydra finds them here; the work is in
:mod:`mlplab.launchers`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Optional

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

if TYPE_CHECKING:
    from mlplab.launchers.slots import PoolSlots


@dataclass
class LocalConfig:
    """Processes on this machine, as SLURM would start them: to try a sweep before it is submitted."""

    _target_: str = "hydra_plugins.mlplab_submitit_launcher.SubmititLauncher"
    cluster: str = "local"
    cpus_per_job: int = 1
    timeout_min: int = 60


@dataclass
class SlurmConfig(LocalConfig):
    """Jobs of SLURM. None: as the cluster has it."""

    cluster: str = "slurm"
    slurm_partition: Optional[str] = None  # noqa: UP045 - OmegaConf 2.3 reads Optional, not `str | None`
    slurm_account: Optional[str] = None  # noqa: UP045
    slurm_array_parallelism: int = 256
    slurm_signal_delay_s: int = 90  # before the time limit a job is warned, ends in order, and goes on in another
    slurm_gpus_per_node: Optional[int] = None  # noqa: UP045
    mem_gb: Optional[float] = None  # noqa: UP045
    slurm_additional_parameters: dict[str, Any] = field(default_factory=dict)  # of sbatch, such as qos


ConfigStore.instance().store(group="hydra/launcher", name="submitit_local", node=LocalConfig, provider="mlplab")
ConfigStore.instance().store(group="hydra/launcher", name="slurm", node=SlurmConfig, provider="mlplab")


class SubmititLauncher(Launcher):
    """Carries out the jobs of a sweep as jobs of SLURM."""

    def __init__(self, **options: Any) -> None:
        """Keep the options."""
        self._options = {
            key: OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
            for key, value in options.items()
        }

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self._setup = (hydra_context, task_function, config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from mlplab.launchers.installed import submitit_pool  # Hydra loads every plugin for every command
        from mlplab.launchers.launch import carry_out_jobs, jobs_of

        pool = submitit_pool(folder=self._setup[2].hydra.sweep.dir, **self._options)
        jobs = jobs_of(*self._setup, job_overrides, initial_job_idx, pool.cpus_per_job)
        return carry_out_jobs(pool, jobs)

    def slots(self) -> "PoolSlots":
        """Return the slots, for jobs that come one by one."""
        from mlplab.launchers.installed import submitit_pool
        from mlplab.launchers.slots import PoolSlots

        return PoolSlots.of(submitit_pool(folder=self._setup[2].hydra.sweep.dir, **self._options), *self._setup)

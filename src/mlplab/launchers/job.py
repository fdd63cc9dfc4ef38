"""One job of a sweep, in whichever process it is carried out."""

from collections.abc import Sequence
from dataclasses import dataclass

from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, run_job, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict


@dataclass(frozen=True)
class Jobs:
    """What every job of a sweep needs of Hydra; can be sent to another process.

    Attributes:
        config: of the whole sweep.
    """

    context: HydraContext
    task: TaskFunction
    config: DictConfig

    def carry_out(self, number: int, overrides: Sequence[str], singletons: object) -> JobReturn:
        """Carry out one job in this process, as Hydra's own launchers do.

        Args:
            number: of the job.
            overrides: of its config.
            singletons: ``Singleton.get_state()`` of the process that launched it.
        """
        setup_globals()
        Singleton.set_state(singletons)  # type: ignore[arg-type]
        composed = self.context.config_loader.load_sweep_config(self.config, list(overrides))
        with open_dict(composed):
            composed.hydra.job.id = f"{composed.hydra.job.name}_{number}"
            composed.hydra.job.num = number
        HydraConfig.instance().set_config(composed)
        return run_job(
            hydra_context=self.context,
            task_function=self.task,
            config=composed,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )

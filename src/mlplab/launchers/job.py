"""One job of a sweep, in whichever process it is carried out."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, run_job, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from mlplab.launchers.threads import limit_threads
from mlplab.place import note_launched

_RESTARTS = "SLURM_RESTART_COUNT"  # how often SLURM has put the job back into its queue


@dataclass(frozen=True)
class Job:
    """One job, with what it needs of Hydra; can be sent to another process.

    Attributes:
        config: of the whole sweep.
        number: of the job among those that were launched together.
        overrides: of its config.
        cpus: that the launcher grants it.
        singletons: Hydra's own, of the process that launched it.
    """

    context: HydraContext
    task: TaskFunction
    config: DictConfig
    number: int
    overrides: Sequence[str]
    cpus: int
    singletons: Any

    def carry_out(self) -> JobReturn:
        """Carry it out in this process, as Hydra's own launchers do."""
        limit_threads(self.cpus)
        setup_globals()
        Singleton.set_state(self.singletons)
        again = ["resume=true"] if os.environ.get(_RESTARTS, "0") != "0" else []
        composed = self.context.config_loader.load_sweep_config(self.config, [*self.overrides, *again])
        with open_dict(composed):
            composed.hydra.job.id = f"{composed.hydra.job.name}_{self.number}"
            composed.hydra.job.num = self.number
        HydraConfig.instance().set_config(composed)
        return run_job(
            hydra_context=self.context,
            task_function=self.task,
            config=composed,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )


def carry_out_launched(job: Job) -> JobReturn:
    """Carry a job out in a process that may be on another machine than the command."""
    note_launched()
    return job.carry_out()

"""What Hydra calls for every job."""

from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from mlplab import schema
from mlplab.app import commandline, composition, startup
from mlplab.errors import ConfigError
from mlplab.paths import CONF
from mlplab.sweeps.membership import as_member, require_no_failure


def call_hydra() -> None:
    """Let Hydra read the command line, compose conf/, and call the task for every job."""
    composition.register()
    hydra.main(version_base="1.3", config_path=str(CONF), config_name="train")(train_task)()


def train_task(composed: DictConfig) -> float:
    """Carry out one run of this config, alone or as a member of a sweep; return its final test accuracy."""
    with commandline.task_errors():
        config = HydraConfig.get()
        train = _train_member if config.mode is RunMode.MULTIRUN else _train_alone
        return train(composed, Path(config.runtime.output_dir))


def _train_alone(composed: DictConfig, output_folder: Path) -> float:
    settings = composition.read_config(composed)
    if settings.plan:
        raise ConfigError("plan=true: shows what a sweep would run; add -m")
    return startup.start_run(settings, output_folder).final[schema.final_accuracy("test")]


def _train_member(composed: DictConfig, output_folder: Path) -> float:
    folder = Path(HydraConfig.get().sweep.dir)
    with as_member(folder):
        settings = composition.read_config(composed)
        require_no_failure(settings, folder)
        return startup.start_run(settings, output_folder).final[schema.final_accuracy("test")]

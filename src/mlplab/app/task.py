"""What Hydra calls for every job."""

import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from mlplab import schema
from mlplab.app import commandline, composition, startup
from mlplab.app.arguments import Typed
from mlplab.app.own_network import make_importable
from mlplab.config import TrainConfig
from mlplab.errors import ConfigError
from mlplab.paths import CONF
from mlplab.sweeps.membership import as_member, require_no_failure, require_own_launch

_OF_SWEEPS = (
    "plan=", "retry=", "fail_fast=", "max_jobs=", "hydra/launcher=", "hydra.launcher.", "hydra/sweeper=",
    "hydra.sweeper.", "hydra.sweep.",
)  # fmt: skip


def call_hydra(typed: Typed) -> None:
    """Let Hydra read what was typed, compose conf/, and call the task for every job."""
    sys.argv[1:] = [*typed.flags, *typed.overrides]
    composition.register()
    hydra.main(version_base="1.3", config_path=str(CONF), config_name="train")(train_task)()


def train_task(composed: DictConfig) -> float:
    """Carry out one run of this config, alone or as a member of a sweep; return its final test accuracy."""
    with commandline.task_errors():
        config = HydraConfig.get()
        make_importable(config.runtime.config_sources)
        train = _train_member if config.mode is RunMode.MULTIRUN else _train_alone
        return train(composed, Path(config.runtime.output_dir))


def _train_alone(composed: DictConfig, output_folder: Path) -> float:
    settings = composition.read_config(composed)
    _require_nothing_of_sweeps(settings)
    return startup.start_run(settings, output_folder).final[schema.final_accuracy("test")]


def _require_nothing_of_sweeps(settings: TrainConfig) -> None:
    """Raise ConfigError if what was typed says something to a sweep alone; a default says nothing."""
    defaults = OmegaConf.load(CONF / "train.yaml")
    assert isinstance(defaults, DictConfig)
    typed = HydraConfig.get().overrides
    for override in [*typed.task, *typed.hydra]:
        key = override.lstrip("+").partition("=")[0]
        is_default = key in defaults and defaults[key] == getattr(settings, key, None)
        if override.lstrip("+").startswith(_OF_SWEEPS) and not is_default:
            raise ConfigError(f"{override}: says how to carry out a sweep; add -m, or leave it out")


def _train_member(composed: DictConfig, output_folder: Path) -> float:
    folder = Path(HydraConfig.get().sweep.dir)
    with as_member(folder):
        settings = composition.read_config(composed)
        require_no_failure(settings, folder)
        require_own_launch(settings, folder)
        return startup.start_run(settings, output_folder).final[schema.final_accuracy("test")]

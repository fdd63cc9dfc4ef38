"""What Hydra calls for every job."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from mlplab import schema
from mlplab.app import commandline, composition, startup
from mlplab.app.arguments import Typed
from mlplab.app.own_network import make_importable
from mlplab.config import Pruning, TrainConfig
from mlplab.errors import ConfigError
from mlplab.paths import CONF
from mlplab.sweeps.membership import as_member, require_no_failure, require_own_launch

if TYPE_CHECKING:
    from mlplab.training.judge import Pruner

_OF_SWEEPS = (
    "search=", "trials=", "pruner=", "patience=", "time_limit=", "search_storage=",
    "plan=", "retry=", "fail_fast=", "max_jobs=", "hydra/launcher=", "hydra.launcher.", "hydra/sweeper=",
    "hydra.sweeper.", "hydra.sweep.", "zip=", "only=",
)  # fmt: skip


def call_hydra(typed: Typed) -> None:
    """Let Hydra read what was typed, compose conf/, and call the task for every job."""
    sys.argv[1:] = [*typed.flags, *typed.overrides]
    composition.register()
    hydra.main(version_base="1.3", config_path=str(CONF), config_name="train")(train_task)()


def train_task(composed: DictConfig) -> float | None:
    """Carry out one run of this config, alone or as a member of a sweep; return its final test accuracy.

    Of a member of a search it is the final value of the metric that the search goes by; None if it was pruned.
    """
    with commandline.task_errors():
        config = HydraConfig.get()
        make_importable(config.runtime.config_sources)
        train = _train_member if config.mode is RunMode.MULTIRUN else _train_alone
        return train(composed, Path(config.runtime.output_dir))


def _train_alone(composed: DictConfig, output_folder: Path) -> float:
    settings = composition.read_config(composed)
    typed = HydraConfig.get().overrides
    require_nothing_of_sweeps(settings, [*typed.task, *typed.hydra])
    return startup.start_run(settings, output_folder).final[schema.final_accuracy("test")]


def require_nothing_of_sweeps(settings: TrainConfig, overrides: Sequence[str]) -> None:
    """Raise ConfigError if one of the typed overrides says something to a sweep alone; a default says nothing."""
    defaults = OmegaConf.load(CONF / "train.yaml")
    assert isinstance(defaults, DictConfig)
    for override in overrides:
        key = override.lstrip("+").partition("=")[0]
        is_default = key in defaults and defaults[key] == getattr(settings, key, None)
        if override.lstrip("+").startswith(_OF_SWEEPS) and not is_default:
            raise ConfigError(f"{override}: says how to carry out a sweep; add -m, or leave it out")


def _train_member(composed: DictConfig, output_folder: Path) -> float | None:
    folder = Path(HydraConfig.get().sweep.dir)
    with as_member(folder):
        settings = composition.read_config(composed)
        require_no_failure(settings, folder)
        require_own_launch(settings, folder)
        final = startup.start_run(settings, output_folder, _pruner(settings, folder)).final
        return final.get(schema.final_accuracy("test") if settings.trial is None else settings.monitor.final_metric)


def _pruner(settings: TrainConfig, folder: Path) -> "Pruner | None":
    if settings.trial is None or settings.pruner is Pruning.none:
        return None
    from mlplab.sweeps.search.trial_pruning import trial_pruner  # Optuna takes a second to import

    return trial_pruner(settings, folder)

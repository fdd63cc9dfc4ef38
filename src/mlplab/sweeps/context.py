"""What Hydra hands to a sweeper, in one place."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.config_loader import ConfigLoader
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, read_write

from mlplab.checks import require
from mlplab.config import DType, Pruning, TrainConfig
from mlplab.data_config import DataConfig
from mlplab.files import make_folder_with_room
from mlplab.launchers.slots import Slots
from mlplab.store.uri import SQLITE
from mlplab.sweeps.composing import Composer

if TYPE_CHECKING:
    from mlplab.data import Dataset


@dataclass(frozen=True)
class SweepContext:
    """What one sweep needs of Hydra.

    Attributes:
        config: of the whole sweep.
        loader: composes the config of one job.
        launcher: runs jobs.
        read: turns a composed config into a checked one; raises ConfigError.
        slots: returns those of the launcher, for jobs that come one by one; raises ConfigError where it has none.
        load: returns the data of a config, for a seed and a dtype, to runs in this process the same object; raises
            DataError, ConfigError.
    """

    config: DictConfig
    loader: ConfigLoader
    launcher: Launcher
    read: Callable[[DictConfig], TrainConfig]
    slots: Callable[[], Slots]
    load: Callable[[DataConfig, int, DType], "Dataset"]

    def compose(self, overrides: list[str]) -> TrainConfig:
        """Return the checked config of one job. Raises ConfigError."""
        return self.read(self._composer.compose(overrides))

    def compose_unchecked(self, overrides: list[str]) -> DictConfig:
        """Return the config with these overrides alone, which may be a part of what was typed."""
        return self._composer.compose(overrides)

    @cached_property
    def _composer(self) -> Composer:
        return Composer(self.config, self.loader)

    @property
    def runs_in_this_process(self) -> bool:
        """Whether the launcher runs the jobs one after the other in this process."""
        return self._launcher == "basic"

    @property
    def runs_elsewhere(self) -> bool:
        """Whether the launcher may run the jobs on other machines."""
        return self._launcher in ("ray_cluster", "slurm")

    def require_common_store(self, uri: str | None) -> None:
        """Raise ConfigError if the launcher's machines cannot all reach the store at this URI; None: the project's."""
        is_file = uri is None or uri.startswith(SQLITE)
        require(
            "tracking.uri", uri or "null", not is_file or self._launcher != "ray_cluster",
            "is a file, and every machine of Ray has its own; take a server, such as that of `make server`",
        )  # fmt: skip

    def require_common_study(self, settings: TrainConfig) -> None:
        """Raise ConfigError if the launcher's machines cannot all reach the study of a search that prunes."""
        is_file = settings.search_storage is None and settings.pruner is not Pruning.none
        require(
            "search_storage", "null", not is_file or self._launcher != "ray_cluster",
            "is a file, and every machine of Ray has its own; set it to a database that all reach, such as "
            "postgresql://HOST/search, or take pruner=none",
        )  # fmt: skip

    @property
    def launcher_cancels(self) -> bool:
        """Whether the launcher itself ends what it has launched when a signal arrives: see ``launchers``."""
        return self._launcher in ("ray", "ray_cluster", "slurm", "submitit_local")

    @property
    def _launcher(self) -> str:
        return str(self.config.hydra.runtime.choices["hydra/launcher"])

    @property
    def folder(self) -> Path:
        """The output folder of a new sweep."""
        return Path(self.config.hydra.sweep.dir)

    def use_folder(self, folder: str) -> None:
        """Make the launcher keep its own files in ``folder``; create it. Raises OSError where it cannot be written."""
        make_folder_with_room(Path(folder))
        with read_write(self.config.hydra.sweep):
            self.config.hydra.sweep.dir = folder

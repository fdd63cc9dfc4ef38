"""What ``hydra/sweeper=mlplab`` means. Hydra finds it by its place; the work is in :mod:`mlplab.sweeps`."""

from collections.abc import Sequence
from dataclasses import dataclass

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class GridSweeperConfig:
    """No options."""

    _target_: str = "hydra_plugins.mlplab_sweeper.GridSweeper"


ConfigStore.instance().store(group="hydra/sweeper", name="mlplab", node=GridSweeperConfig, provider="mlplab")


class GridSweeper(Sweeper):
    """Runs every combination of the values given, as one thing: planned, checked, recorded, resumable."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra hands over before the sweep."""
        self._loader, self._config = hydra_context.config_loader, config
        self._launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Sequence[JobReturn]:
        """Carry the sweep out, or show its plan."""
        from mlplab.sweeps import command  # Hydra loads every plugin for every command

        return command.sweep(arguments, self._config, self._loader, self._launcher)

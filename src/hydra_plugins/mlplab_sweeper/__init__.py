"""The plugin for ``hydra/sweeper=mlplab``. Hydra finds it here; the work is in :mod:`mlplab.sweeps`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class GridSweeperConfig:
    """What a preset sweeps: values by key. A key on the command line replaces the preset's."""

    _target_: str = "hydra_plugins.mlplab_sweeper.GridSweeper"
    params: dict[str, str] = field(default_factory=dict)


ConfigStore.instance().store(group="hydra/sweeper", name="mlplab", node=GridSweeperConfig, provider="mlplab")


class GridSweeper(Sweeper):
    """Runs every combination of the given values as one sweep: checked, planned, recorded, resumable."""

    def __init__(self, params: Mapping[str, str]) -> None:
        """Keep what the preset sweeps."""
        self._params = params

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from mlplab.app.sweepers import sweep_context

        self._context = sweep_context(hydra_context, task_function, config)

    def sweep(self, arguments: list[str]) -> Sequence[JobReturn]:
        from mlplab.sweeps.entry import sweep_typed  # Hydra loads every plugin for every command

        typed = {argument.lstrip("+").partition("=")[0] for argument in arguments}
        own = [f"{key}={values}" for key, values in self._params.items() if key not in typed]
        return sweep_typed([*arguments, *own], self._context)

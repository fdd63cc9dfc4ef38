"""What ``hydra/sweeper=reproduce`` means. Hydra finds it by its place; the work is in :mod:`mlplab.reproduction`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class ReproducerConfig:
    """What ``python src/reproduce.py`` takes; ``params`` are the presets' own, which cells stand for here."""

    _target_: str = "hydra_plugins.mlplab_reproducer.Reproducer"
    reports: list[str] = field(default_factory=lambda: ["all"])
    seeds: int = 3
    out: str = ""
    params: dict[str, str] = field(default_factory=dict)


ConfigStore.instance().store(group="hydra/sweeper", name="reproduce", node=ReproducerConfig, provider="mlplab")


class Reproducer(Sweeper):
    """Runs the cells of published tables, and says which are reproduced."""

    def __init__(self, reports: Sequence[str], seeds: int, out: str, params: Mapping[str, str]) -> None:  # noqa: ARG002
        """Take what was typed."""
        self._reports, self._seeds, self._out = list(reports), seeds, out

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra hands over before the sweep."""
        self._loader, self._config = hydra_context.config_loader, config
        self._launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Sequence[JobReturn]:
        """Run what is to be run, and judge."""
        from mlplab.reproduction import command  # Hydra loads every plugin for every command

        wanted = command.Wanted(self._reports, self._seeds, self._out)
        return command.reproduce(wanted, arguments, self._config, self._loader, self._launcher)

"""The plugin for ``hydra/sweeper=reproduce``. Hydra finds it here; the work is in :mod:`mlplab.reproduction`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class ReproducerConfig:
    """The options of ``python src/reproduce.py``. ``params``, a preset's own sweep, is ignored: cells replace it."""

    _target_: str = "hydra_plugins.mlplab_reproducer.Reproducer"
    reports: list[str] = field(default_factory=lambda: ["all"])
    seeds: int = 3
    out: str = ""
    params: dict[str, str] = field(default_factory=dict)


ConfigStore.instance().store(group="hydra/sweeper", name="reproduce", node=ReproducerConfig, provider="mlplab")


class Reproducer(Sweeper):
    """Runs the cells of published tables, and says which are reproduced."""

    def __init__(self, reports: Sequence[str], seeds: int, out: str, params: Mapping[str, str]) -> None:  # noqa: ARG002
        """Keep the options."""
        self._reports, self._seeds, self._out = list(reports), seeds, out

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from mlplab.app.sweepers import sweep_context

        self._context = sweep_context(hydra_context, task_function, config)

    def sweep(self, arguments: list[str]) -> Sequence[JobReturn]:
        from mlplab.reproduction import reproduction  # Hydra loads every plugin for every command

        options = reproduction.Options(self._reports, self._seeds, self._out)
        return reproduction.reproduce(options, arguments, self._context)

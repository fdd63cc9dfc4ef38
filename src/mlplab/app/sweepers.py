"""The setup that both sweeper plugins share."""

from hydra.core.plugins import Plugins
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from mlplab.app.composition import read_config
from mlplab.sweeps.context import SweepContext


def sweep_context(hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> SweepContext:
    """Return what a sweep needs from the arguments of ``Sweeper.setup``."""
    launcher = Plugins.instance().instantiate_launcher(
        hydra_context=hydra_context, task_function=task_function, config=config
    )
    return SweepContext(config, hydra_context.config_loader, launcher, read_config)

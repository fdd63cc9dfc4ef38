"""The setup that both sweeper plugins share."""

from hydra.core.plugins import Plugins
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict, read_write

from mlplab.app.composition import read_config
from mlplab.app.hydra_keys import require_read_by_sweeps
from mlplab.app.own_network import make_importable
from mlplab.errors import ConfigError
from mlplab.sweeps.context import SweepContext

# joblib calls it in each of its workers, before the first task: workers that never get one must end too.
_WATCH_PARENT = {"_target_": "hydra.utils.get_method", "path": "mlplab.sweeps.orphans.watch_parent"}


def sweep_context(hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> SweepContext:
    """Return what a sweep needs from the arguments of ``Sweeper.setup``."""
    make_importable(config.hydra.runtime.config_sources)
    require_read_by_sweeps(config.hydra.overrides.hydra)
    if config.hydra.runtime.choices["hydra/launcher"] == "joblib":
        if config.hydra.launcher.n_jobs == 0:
            raise ConfigError("hydra.launcher.n_jobs=0: takes a number of processes, or -1 for one per core")
        with read_write(config.hydra.launcher), open_dict(config.hydra.launcher):
            config.hydra.launcher.initializer = _WATCH_PARENT
    launcher = Plugins.instance().instantiate_launcher(
        hydra_context=hydra_context, task_function=task_function, config=config
    )
    return SweepContext(config, hydra_context.config_loader, launcher, read_config)

"""The setup that both sweeper plugins share."""

from hydra.core.plugins import Plugins
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict, read_write

from mlplab.app.composition import read_config
from mlplab.app.hydra_keys import require_read_by_sweeps
from mlplab.errors import ConfigError
from mlplab.sweeps.context import SweepContext

# joblib calls it in each of its workers, before the first task: workers that never get one must end too. As a partial
# it is another one for every sweep, for which joblib starts new workers: those of a former sweep of this process live
# on with the variables of then.
_WATCH_PARENT = {"_target_": "mlplab.sweeps.orphans.watch_parent", "_partial_": True}


def sweep_context(hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> SweepContext:
    """Return what a sweep needs from the arguments of ``Sweeper.setup``."""
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

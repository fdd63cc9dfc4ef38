"""The setup that both sweeper plugins share."""

from functools import partial

from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict, read_write

from mlplab.app import startup
from mlplab.app.composition import read_config
from mlplab.app.hydra_keys import require_read_by_sweeps
from mlplab.app.own_network import make_importable
from mlplab.errors import ConfigError
from mlplab.launchers.slots import OneSlot, Slots, SlottedLauncher, joblib_slots
from mlplab.sweeps.context import SweepContext
from mlplab.sweeps.orphans import watch_parent

# joblib calls it in each of its workers, before the first task: workers that never get one must end too. As a partial
# it is another one for every sweep, for which joblib starts new workers: those of a former sweep of this process live
# on with the variables of then.
_WATCH_PARENT = {"_target_": "mlplab.sweeps.orphans.watch_parent", "_partial_": True}


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
    kind = str(config.hydra.runtime.choices["hydra/launcher"])
    load = startup.load_data if kind == "basic" else startup.load_afresh  # of others no run is in this process
    slots = partial(_slots, launcher, kind)
    return SweepContext(config, hydra_context.config_loader, launcher, read_config, slots, load)


def _slots(launcher: Launcher, kind: str) -> Slots:
    """Return the slots of a launcher. Raises ConfigError where it takes its jobs all at once."""
    if kind == "basic":
        return OneSlot(launcher)
    if kind == "joblib":
        return joblib_slots(launcher, watch_parent)
    if isinstance(launcher, SlottedLauncher):
        return launcher.slots()
    raise ConfigError(
        f"hydra/launcher={kind}: takes its runs all at once, and a search decides each when another has ended; take "
        "joblib, ray, ray_cluster, slurm or submitit_local"
    )

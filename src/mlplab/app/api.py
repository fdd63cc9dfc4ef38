"""What ``import mlplab`` offers: ``mlplab.train`` and ``mlplab.sweep``, the commands as functions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf

from mlplab.app import composition
from mlplab.app.arrays import Arrays, saved_arrays
from mlplab.app.guest import as_guest, logged_into
from mlplab.app.python_keys import overrides_of
from mlplab.app.single_run import carry_out_single, compose_single
from mlplab.app.task import require_nothing_of_sweeps, train_task
from mlplab.engines.at_hand import Network, network_keys
from mlplab.errors import ConfigError
from mlplab.paths import CONF

if TYPE_CHECKING:
    from mlplab.app.results import SweepResult, TrainedRun

Data = str | Mapping[str, Any] | Arrays
_SILENT = ["hydra/hydra_logging=none"]  # Hydra's log settings would close the handlers of everybody else


def train(*, data: Data | None = None, network: Network | None = None, **keys: Any) -> "TrainedRun":
    """Train one network and record it in MLflow: ``mlplab.train(activation="relu", epochs=3)``.

    Args:
        data: the name of a data set; nested keys, such as ``{"name": "digits", "val_size": 360}``; or arrays,
            ``(x, y)`` or ``(x_train, y_train, x_test, y_test)``, x of shape (N, ...) and y of shape (N,).
        network: its name in conf/; a class, or ``{"_target_": MyNet, "width": 8}`` with its arguments; or a
            ``torch.nn.Module``, of which a copy is trained, from the weights that it has.
        keys: those of the command line, see ``conf/train.yaml``; nested ones as ``tracking={"experiment": "mine"}``
            or ``**{"tracking.experiment": "mine"}``. ``resume=True`` goes on with an interrupted run.

    Raises:
        UserError: see its subclasses in :mod:`mlplab.errors`: what a command would print.
        KeyboardInterrupt: Ctrl-C; the run is KILLED, with a checkpoint.
    """
    with as_guest(_names_store(keys)):
        from mlplab.app.results import TrainedRun  # MLflow, for which as_guest() has set what it reads on import

        overrides = overrides_of({**network_keys(network), **keys, **_data_keys(data)}, sweeps=False)
        composed, folder = compose_single(overrides, "call mlplab.sweep()")
        settings = composition.read_config(composed)
        require_nothing_of_sweeps(settings, overrides)
        result = carry_out_single(settings, folder)
        return TrainedRun(result.run_id, result.final, settings)


def sweep(
    *,
    data: Data | Sequence[str] | None = None,
    network: Network | Sequence[str] | None = None,
    launcher: str = "basic",
    n_jobs: int | None = None,
    **keys: Any,
) -> "SweepResult":
    """Train one network for every combination of values: ``mlplab.sweep(activation=["relu", "tanh"], seed=range(3))``.

    Lists, ranges, tuples and arrays are swept, everything else is the same in all runs. Of a key that takes a list,
    ``hidden_sizes``, a list of numbers is one value, and a list of lists is swept.

    Args:
        data, network: as of :func:`train`; several names are swept. A module is only in this process: with
            ``launcher="basic"``.
        launcher: how the runs are carried out: basic (one after the other), joblib (on all cores), ray, slurm, ...
        n_jobs: how many processes joblib takes; by default one for each core.
        keys: as of :func:`train`. ``resume=True`` goes on with an interrupted sweep.

    Raises:
        SweepError: runs failed; the others are recorded.
        UserError, KeyboardInterrupt: as of :func:`train`.
    """
    if keys.get("plan"):
        raise ConfigError("plan=True: shows a table and trains nothing; type it as a command, with -m and plan=true")
    with as_guest(_names_store(keys)):
        from mlplab.app.results import SweepResult

        jobs = {} if n_jobs is None else {"hydra.launcher.n_jobs": n_jobs}
        # Hydra's log settings of a run apply in the workers of a launcher, which are nobody else's.
        silent = [*_SILENT, *(["hydra/job_logging=none"] if launcher == "basic" else [])]
        chosen = {"hydra/launcher": launcher, **network_keys(network), **keys, **_data_keys(data), **jobs}
        overrides = overrides_of(chosen, sweeps=True)
        with initialize_config_dir(str(CONF), job_name="train", version_base="1.3"):
            loader = GlobalHydra.instance().config_loader()
            returns, master = _carry_out(loader, [*overrides, *silent])
        tracking = OmegaConf.to_container(master.tracking, resolve=True)
        assert isinstance(tracking, dict)
        return SweepResult.of(returns, tracking["uri"], tracking["experiment"])


def _names_store(keys: Mapping[str, Any]) -> bool:
    tracking = keys.get("tracking")
    return "tracking.uri" in keys or (isinstance(tracking, Mapping) and "uri" in tracking)


def _data_keys(data: Data | Sequence[str] | None) -> dict[str, Any]:
    if data is None:
        return {}
    if isinstance(data, tuple):
        return {"data": "npz", "data.path": str(saved_arrays(data))}
    return {"data": data}


def _carry_out(loader: ConfigLoader, overrides: list[str]) -> tuple[Sequence[JobReturn], DictConfig]:
    """Let the sweeper that conf/ names carry the sweep out; return the results of its jobs, and its config."""
    master = loader.load_configuration("train", overrides, run_mode=RunMode.MULTIRUN)
    HydraConfig.instance().set_config(master)
    context = HydraContext(loader, _NoCallbacks())  # type: ignore[arg-type]  # Hydra's own class is not public
    sweeper = Plugins.instance().instantiate_sweeper(hydra_context=context, task_function=_task, config=master)
    return sweeper.sweep(list(master.hydra.overrides.task)), master


class _NoCallbacks:
    """Conf/ has callbacks for the begin of a single run alone."""

    def on_job_start(self, **_: Any) -> None:
        """Called before a job."""

    def on_job_end(self, **_: Any) -> None:
        """Called after a job."""


def _task(composed: DictConfig) -> float | None:
    folder = Path(HydraConfig.get().runtime.output_dir)
    with logged_into(folder):
        return train_task(composed)

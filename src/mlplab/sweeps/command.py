"""What ``python src/train.py -m ...`` does: plan, begin or go on, and carry out."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.config_loader import ConfigLoader
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, open_dict, read_write

from mlplab import config
from mlplab.errors import ConfigError, SweepError
from mlplab.progress import say
from mlplab.sweeps import grid
from mlplab.sweeps.grid import Job
from mlplab.sweeps.manifest import command_digest, freeze

if TYPE_CHECKING:
    from mlplab.sweeps.execution import Conclude
    from mlplab.sweeps.record import Elsewhere, Recorded
    from mlplab.tracking.store import Store


def sweep(
    arguments: list[str], hydra_config: DictConfig, loader: ConfigLoader, launcher: Launcher
) -> Sequence[JobReturn]:
    """Carry out the sweep that was typed, or show its plan.

    Args:
        arguments: overrides from the command line, such as ``activation=relu,tanh``.
        hydra_config: of the whole sweep, as Hydra hands it to a sweeper.
        loader: composes the config of one job.
        launcher: Hydra's; with ``plan`` nothing runs.

    Raises:
        ConfigError: a combination is invalid; nothing has run.
        StoreError: the store cannot be used.
        SweepError: jobs failed, or the sweep to be resumed is still running.
    """
    return carry_out(grid.combinations(arguments, hydra_config, loader), arguments, hydra_config, launcher)


def carry_out(
    jobs: list[Job],
    arguments: Sequence[str],
    hydra_config: DictConfig,
    launcher: Launcher,
    conclude: "Conclude | None" = None,
    elsewhere: "Elsewhere | None" = None,
) -> Sequence[JobReturn]:
    """Carry these jobs out as one sweep, or show their plan.

    Args:
        jobs: all of them.
        arguments: what was typed for them: the same again, with ``resume=true``, goes on with the sweep.
        hydra_config: of the whole sweep.
        launcher: Hydra's; with ``plan`` nothing runs.
        conclude: what is done with the members at the end; by default they are compared.
        elsewhere: finds jobs that have finished outside this sweep: with ``resume=true`` they are not run again.

    Raises:
        ConfigError, StoreError, SweepError: see :func:`sweep`.
    """
    is_plan = hydra_config.hydra.runtime.choices["hydra/launcher"] == "plan"
    settings = next((job.settings for job in jobs if job.settings is not None), None)
    if settings is None or not is_plan:
        grid.require_valid(jobs)
    assert settings is not None
    from mlplab.sweeps import record  # MLflow takes a second to import: not for a wrong key
    from mlplab.tracking.store import open_store

    store = open_store(settings.tracking)
    former = record.find(store, command_digest(arguments))
    if is_plan:
        _show_plan(jobs, former, store, elsewhere if settings.resume else None)
        return []
    if settings.resume and former is None:
        say("resume=true: no sweep of this command is in the store; this is its first run")
    resumed = former if settings.resume else None
    if resumed is not None:
        _require_at_rest(resumed, store)
    if resumed is None and settings.tracking.sweep is not None:
        _require_new_name(settings.tracking.sweep, store)
    manifest = resumed.manifest if resumed else freeze(jobs, arguments, Path(hydra_config.hydra.sweep.dir))
    with read_write(hydra_config), open_dict(hydra_config):
        hydra_config.hydra.sweep.dir = manifest.folder  # a launcher keeps its own files there
    from mlplab.sweeps.execution import Sweep

    known = elsewhere(store, manifest) if elsewhere and settings.resume else {}
    sweep = Sweep(manifest, settings, store, launcher, known)
    if conclude is not None:
        sweep.conclude = conclude
    return sweep.carry_out(resumed.run.info.run_id if resumed else None)


def _require_at_rest(former: "Recorded", store: "Store") -> None:
    sweep = former.manifest.sweep
    for run in store.search(f"tags.sweep = '{sweep}' and attributes.status = 'RUNNING'"):
        tags = run.data.tags
        raise SweepError(
            f"resume=true: sweep {sweep} is still running, as process {tags.get('pid')} on {tags.get('host')}; "
            "wait for it, or stop it"
        )


def _require_new_name(sweep: str, store: "Store") -> None:
    if store.search(f"tags.sweep = '{sweep}'"):
        raise ConfigError(
            f"tracking.sweep={sweep}: the store has a sweep of this name; resume=true goes on with it where the "
            "command is the same, otherwise take another name"
        )


def _show_plan(jobs: Sequence[Job], former: "Recorded | None", store: "Store", elsewhere: "Elsewhere | None") -> None:
    from mlplab.sweeps import overview, record

    states = {} if elsewhere is None else elsewhere(store, freeze(jobs, [], Path()))
    if former is not None:
        found = record.members(store, former.manifest.sweep)
        numbers = {tuple(job.varying.items()): job.number for job in former.manifest.jobs}
        for job in jobs:
            member = found.get(numbers.get(tuple(job.varying.items()), -1))
            if member is not None:
                states[job.number] = member
    configs = {job.number: config.flatten(job.settings) for job in jobs if job.settings is not None}
    overview.show(jobs, states, configs, record.durations(store))
    if former is not None:
        manifest = former.manifest
        say(f"states: of sweep {manifest.sweep} in {manifest.folder}; with resume=true, which goes on with it")

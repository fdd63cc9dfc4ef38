"""A grid of runs: planned and checked as a whole, then launched.

    plan(...) -> list[Job]    every combination, checked before the first runs
    run(...)                  launches them, shows their page, names the failures

The members learn the sweep's tag and their own names from their config, so that any launcher will do.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, open_dict, read_write

from mlplab.composition import from_hydra
from mlplab.config import TrainConfig
from mlplab.errors import ConfigError, SweepError
from mlplab.progress import say
from mlplab.sweeps.names import member_name

if TYPE_CHECKING:
    from mlplab.tracking.store import Store

_SWEEP, _RUN_NAME = "tracking.sweep", "tracking.run_name"


@dataclass(frozen=True)
class Job:
    """One member: what Hydra is told to run it, and its config."""

    overrides: list[str]
    settings: TrainConfig


def plan(arguments: list[str], hydra_config: DictConfig, loader: ConfigLoader) -> list[Job]:
    """Return every combination of the values given, each with the sweep's tag and a name in its overrides.

    Args:
        arguments: overrides from the command line, such as ``activation=relu,tanh``.
        hydra_config: of the whole sweep, as Hydra hands it to a sweeper.
        loader: composes the config of one job.

    Raises:
        ConfigError: a combination is invalid; the message names key, value and remedy.
    """
    overrides = OverridesParser.create(config_loader=loader).parse_overrides(arguments)
    varying = [override.get_key_element() for override in overrides if override.is_sweep_override()]
    given = {override.get_key_element() for override in overrides if override.value() is not None}
    shared = [] if _SWEEP in given else [f"{_SWEEP}={_new_sweep()}"]
    jobs = []
    for combination in BasicSweeper.split_arguments(overrides, max_batch_size=None)[0]:
        values = dict(text.split("=", 1) for text in combination)
        name = member_name({key: values[key] for key in varying})
        own = [] if _RUN_NAME in given or not name else [f"{_RUN_NAME}={_quoted(name)}"]
        full = [*combination, *shared, *own]
        jobs.append(Job(full, _compose(full, hydra_config, loader)))
    if not jobs:
        raise ConfigError(
            f"{' '.join(arguments)}: no combination to run; write the values, as in activation=relu,tanh"
        )
    return jobs


def run(jobs: Sequence[Job], folder: Path, launcher: Launcher) -> Sequence[JobReturn]:
    """Launch all jobs, show where their curves are, and return their results.

    Raises:
        StoreError: the store cannot be used; none has run.
        SweepError: jobs failed; the others have run.
    """
    from mlplab.tracking.store import open_store  # MLflow takes a second to import: not for a wrong key

    settings = jobs[0].settings
    store = open_store(settings.tracking)  # one that does not answer is said once, before the first job
    say(f"sweep {settings.tracking.sweep}: {len(jobs)} runs")
    try:
        results = launcher.launch([job.overrides for job in jobs], initial_job_idx=0)
    finally:
        _show_page(store, str(settings.tracking.sweep))
    _raise_failures(jobs, results, folder)
    return results


def _compose(overrides: list[str], hydra_config: DictConfig, loader: ConfigLoader) -> TrainConfig:
    composed = loader.load_sweep_config(hydra_config, overrides)
    with read_write(composed), open_dict(composed):
        del composed["hydra"]
    return from_hydra(composed)


def _new_sweep() -> str:
    return f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def _quoted(value: str) -> str:
    """Return the value as a quoted string of Hydra's override grammar."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _show_page(store: "Store", sweep: str) -> None:
    say(f"all curves of this sweep: {store.sweep_page(sweep)}")
    if command := store.ui_command():
        say(f"served by:                {command}")


def _raise_failures(jobs: Sequence[Job], results: Sequence[JobReturn], folder: Path) -> None:
    failed = [
        f"{job.settings.name}: {result._return_value}"  # the public property would print, and raise at the first
        for job, result in zip(jobs, results, strict=True)
        if result.status is not JobStatus.COMPLETED
    ]
    if failed:
        listing = "".join(f"\n  {line}" for line in failed)
        raise SweepError(f"{len(failed)} of {len(jobs)} runs failed; their logs are in {folder}{listing}")

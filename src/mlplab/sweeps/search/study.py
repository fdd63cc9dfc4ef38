"""Optuna's record of the trials of a search: a file in the sweep's folder, or tables in a database."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import assert_never

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, CmaEsSampler, RandomSampler, TPESampler
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial
from sqlalchemy.exc import SQLAlchemyError

from mlplab.config import Pruning, Search, TrainConfig
from mlplab.errors import ConfigError
from mlplab.sweeps.manifest import FrozenJob

STUDY_FILE = "study.journal"
_JOB = "job"  # the attribute of a trial that has its job, whole; a trial without one was no run

optuna.logging.set_verbosity(optuna.logging.WARNING)


def create_study(settings: TrainConfig, folder: Path, sweep: str) -> Study:
    """Return the study of a sweep; a new one if it has none.

    Raises:
        ConfigError: the database cannot be used.
    """
    _cut_unfinished_line(folder / STUDY_FILE)
    direction = StudyDirection.MAXIMIZE if settings.monitor.is_larger_better else StudyDirection.MINIMIZE
    return optuna.create_study(
        study_name=sweep,
        storage=open_storage(settings, folder),
        direction=direction,
        pruner=make_pruner(settings.pruner),
        load_if_exists=True,
    )


def open_storage(settings: TrainConfig, folder: Path) -> BaseStorage:
    """Return what has the studies. Raises ConfigError: the database cannot be used."""
    if settings.search_storage is None:
        return JournalStorage(JournalFileBackend(str(folder / STUDY_FILE)))
    try:
        return RDBStorage(settings.search_storage)
    except (ImportError, SQLAlchemyError, ValueError) as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise ConfigError(
            f"search_storage={settings.search_storage}: cannot be used ({reason}); take a database of its own for "
            "searches that every machine reaches, or leave it out"
        ) from error


def _cut_unfinished_line(file: Path) -> None:
    """Remove what a full disk has cut off: Optuna would append to it, and then could not read the file any more."""
    if not file.exists():
        return
    with file.open("rb+") as opened:
        text = opened.read()
        if not text.endswith(b"\n"):
            opened.truncate(text.rfind(b"\n") + 1)


def make_sampler(kind: Search, seed: int) -> BaseSampler:
    """Return what proposes the next trial."""
    match kind:
        case Search.grid | Search.random:  # a grid's trials are queued, not drawn
            return RandomSampler(seed)
        case Search.tpe:
            return TPESampler(seed=seed)
        case Search.cmaes:
            return CmaEsSampler(seed=seed, warn_independent_sampling=False)  # choices are drawn at random
        case _:
            assert_never(kind)


def make_pruner(kind: Pruning) -> BasePruner:
    """Return what stops trials; docs/search.md has how much training each saves, and what it costs."""
    match kind:
        case Pruning.none:
            return NopPruner()
        case Pruning.median:
            return MedianPruner(n_startup_trials=4, n_warmup_steps=3)
        case Pruning.asha:
            return SuccessiveHalvingPruner(min_resource=2, reduction_factor=2)
        case Pruning.hyperband:
            return HyperbandPruner(min_resource=2, reduction_factor=2)
        case _:
            assert_never(kind)


def note_job(trial: optuna.Trial, job: FrozenJob) -> None:
    """Keep the job of a trial with it, whole: a resume needs no composition, whatever conf/ then says."""
    trial.set_user_attr(_JOB, asdict(job))


def job_of(trial: FrozenTrial) -> FrozenJob | None:
    """Return the job of a trial; None for a proposal that was rejected, or whose process died before it began."""
    noted = trial.user_attrs.get(_JOB)
    return None if noted is None else FrozenJob(**noted)


def jobs_and_trials(study: Study) -> Iterator[tuple[FrozenJob, FrozenTrial]]:
    """Yield every job that was tried, with its trial; of a job that was tried again, the last trial comes last."""
    for trial in study.get_trials(deepcopy=False):
        if (job := job_of(trial)) is not None:
            yield job, trial


def known_jobs(study: Study) -> list[FrozenJob]:
    """Return the jobs of a study in the order of their numbers."""
    jobs = {job.number: job for job, _ in jobs_and_trials(study)}
    return [jobs[number] for number in sorted(jobs)]

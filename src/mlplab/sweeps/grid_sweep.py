"""What ``python src/train.py -m ...`` does: plan a sweep, start or resume it, and carry it out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.utils import JobReturn

from mlplab.flat_config import flatten
from mlplab.schema import PAGE
from mlplab.sweeps import grid
from mlplab.sweeps.context import SweepContext
from mlplab.sweeps.data_check import NeededData, require_data
from mlplab.sweeps.grid import Job
from mlplab.sweeps.manifest import command_digest, freeze
from mlplab.terminal import say

if TYPE_CHECKING:
    from mlplab.store.store import Store
    from mlplab.sweeps.conclusion import Conclude
    from mlplab.sweeps.record import Elsewhere, Member, Recorded


def sweep_grid(arguments: list[str], context: SweepContext) -> Sequence[JobReturn]:
    """Carry out the sweep that was typed, or show its plan.

    Args:
        arguments: overrides from the command line, such as ``activation=relu,tanh``.
        context: what Hydra handed over.

    Raises:
        ConfigError: a combination is invalid; nothing has run.
        StoreError: the store cannot be used.
        SweepError: jobs failed, or the sweep to be resumed is still running.
    """
    return sweep_jobs(grid.combine(arguments, context), arguments, context)


def sweep_jobs(
    jobs: list[Job],
    arguments: Sequence[str],
    context: SweepContext,
    conclude: "Conclude | None" = None,
    elsewhere: "Elsewhere | None" = None,
    report: str = PAGE,
) -> Sequence[JobReturn]:
    """Carry these jobs out as one sweep, or show their plan.

    Args:
        jobs: all of them.
        arguments: the command that made them; the same command with ``resume=true`` continues the sweep.
        context: what Hydra handed over.
        conclude: called with the members at the end; by default it compares them.
        elsewhere: finds jobs that have finished outside this sweep; with ``resume=true`` they are not run again.
        report: the artifact of the sweep's own run in which ``conclude`` shows the result.

    Raises:
        ConfigError, StoreError, SweepError: see :func:`sweep_grid`.
    """
    settings = next((job.settings for job in jobs if job.settings is not None), None)
    if settings is None or not settings.plan:
        grid.require_valid(jobs)
    assert settings is not None
    context.require_common_store(settings.tracking.uri)
    if not settings.resume:  # then only of what is left to run
        require_data(NeededData.of_jobs(jobs), context)
    from mlplab.store.target import Target
    from mlplab.sweeps import record  # MLflow takes a second to import: not for a wrong key
    from mlplab.sweeps.resuming import carry_out_or_resume, require_resumable
    from mlplab.tracking.reading import read_from

    target = Target.of(settings.tracking)
    reading = read_from(target)
    store = reading.store
    former = record.find_sweep(store, command_digest(arguments)) if settings.resume or settings.plan else None
    if settings.plan:
        states = _planned_states(jobs, former, store, elsewhere if settings.resume else None)
        if settings.resume:
            left = [job for job in jobs if job.number not in states or not states[job.number].state.is_done]
            require_data(NeededData.of_jobs(left), context)
        _show_plan(jobs, former, states, store)
        return []
    resumed = require_resumable(former, reading, target) if settings.resume else None
    manifest = resumed.manifest if resumed else freeze(jobs, arguments, context.folder)
    from mlplab.sweeps.conclusion import compare_members
    from mlplab.sweeps.execution import Sweep

    known = record.stored_members(store, manifest.sweep) if resumed else {}
    known |= elsewhere(store, manifest) if elsewhere and settings.resume else {}
    sweep = Sweep(manifest, settings, target, context, conclude or compare_members, known, report)
    if settings.resume and any(one.config.is_of_files for one in NeededData.of_jobs(jobs)):
        require_data((NeededData.of_frozen(job.config) for job in sweep.pending()), context)
    context.use_folder(manifest.folder)
    return carry_out_or_resume(sweep, resumed, reading)


def _planned_states(
    jobs: Sequence[Job], former: "Recorded | None", store: "Store", elsewhere: "Elsewhere | None"
) -> "dict[int, Member]":
    """Return the last run of each job that has one, by the job's number."""
    from mlplab.sweeps import record

    states = {} if elsewhere is None else elsewhere(store, freeze(jobs, [], Path()))
    if former is not None:
        manifest = former.manifest
        members = record.stored_members(store, manifest.sweep) | record.journaled_members(manifest)
        numbers = {tuple(job.varying.items()): job.number for job in former.manifest.jobs}
        for job in jobs:
            member = members.get(numbers.get(tuple(job.varying.items()), -1))
            if member is not None:
                states[job.number] = member
    return states


def _show_plan(jobs: Sequence[Job], former: "Recorded | None", states: "Mapping[int, Member]", store: "Store") -> None:
    from mlplab.sweeps import plan_table, record

    configs = {job.number: flatten(job.settings) for job in jobs if job.settings is not None}
    plan_table.show_plan(jobs, states, configs, record.find_durations(store))
    if former is not None:
        manifest = former.manifest
        say(f"states: of sweep {manifest.sweep} in {manifest.folder}; resume=true continues it")

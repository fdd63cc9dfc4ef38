"""What ``python src/train.py -m search=...`` does: plan a search, start or resume it, and carry it out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, product
from math import prod
from pathlib import Path

from hydra.core.utils import JobReturn

from mlplab.config import Search, TrainConfig
from mlplab.errors import ConfigError, SweepError
from mlplab.flat_config import flatten
from mlplab.names import member_name
from mlplab.store.store import Store
from mlplab.store.target import Target
from mlplab.sweeps import record
from mlplab.sweeps.axes import count_values
from mlplab.sweeps.conclusion import compare_members
from mlplab.sweeps.condition import Condition
from mlplab.sweeps.context import SweepContext
from mlplab.sweeps.data_check import NeededData, require_data
from mlplab.sweeps.execution import Sweep
from mlplab.sweeps.grid import Job, MadeUp, read_overrides
from mlplab.sweeps.manifest import (
    FrozenJob,
    Manifest,
    command_digest,
    determining_overrides,
    freeze_job,
    new_sweep_name,
)
from mlplab.sweeps.resuming import carry_out_or_resume, require_resumable
from mlplab.sweeps.search.former import require_no_other_space
from mlplab.sweeps.search.job_trials import Trials
from mlplab.sweeps.search.limits import Limits
from mlplab.sweeps.search.proposals import Proposals
from mlplab.sweeps.search.search_plan import show_search_plan
from mlplab.sweeps.search.searching import Searching
from mlplab.sweeps.search.space import Dimension, proposal_overrides, read_dimensions
from mlplab.sweeps.search.study import STUDY_FILE, create_study, known_jobs
from mlplab.tracking.reading import read_from

MOST_CHECKED = 1_000  # edges of the space that are composed before anything runs


@dataclass(frozen=True)
class TypedSearch:
    """A search as it was typed.

    Attributes:
        fixed: overrides that are the same in all runs.
        condition: of ``only``.
        edges: configs of runs at the edges of the space, the first at its lowest values.
    """

    arguments: Sequence[str]
    fixed: Sequence[str]
    dimensions: Sequence[Dimension]
    condition: Condition | None
    edges: Sequence[TrainConfig]
    context: SweepContext

    @property
    def settings(self) -> TrainConfig:
        """What is the same in all runs, and the lowest values."""
        return self.edges[0]

    @classmethod
    def read(cls, arguments: Sequence[str], context: SweepContext) -> "TypedSearch":
        """Return the search that was typed, all its values valid. Raises ConfigError."""
        swept, fixed = read_overrides(arguments, context)
        made_up = MadeUp.read(fixed, context)
        dimensions = read_dimensions(swept, made_up.zipped)
        edges = _checked_edges(dimensions, list(fixed.values()), context)
        if edges[0].search is Search.grid:
            for override in swept.values():
                count_values(override)  # an interval has no combinations
        return cls(arguments, list(fixed.values()), dimensions, made_up.condition, edges, context)

    @property
    def size(self) -> float:
        """How many combinations there are."""
        return prod(one.size for one in self.dimensions)

    def trials(self) -> int:
        """Return how many runs there will be: of a grid, all combinations. Raises ConfigError: too many."""
        trials = int(self.size) if self.settings.search is Search.grid else self.settings.trials
        assert trials is not None
        if trials > self.settings.max_jobs:
            raise ConfigError(
                f"max_jobs={self.settings.max_jobs}: the search has {trials:,} runs; take fewer, or set "
                f"max_jobs={trials}"
            )
        return trials

    def require_data(self) -> None:
        """Raise DataError or ConfigError if people's own data at an edge of the space is not what it must be."""
        condition = self.condition
        of_files = [one for one in self.edges if one.data.is_of_files]
        chosen = [one for one in of_files if condition is None or condition.holds(one)]
        require_data(NeededData.of_all(chosen), self.context)

    def require_data_left(self, former: record.Recorded | None, store: Store) -> None:
        """The same, unless all runs of the search to be resumed are done. Raises StoreError, too."""
        done = 0
        if former is not None and any(one.data.is_of_files for one in self.edges):
            manifest = former.manifest
            members = record.stored_members(store, manifest.sweep) | record.journaled_members(manifest)
            done = sum(member.state.is_done for member in members.values())
        if done < self.trials():
            self.require_data()

    def freeze(self, sweep: str, number: int, varying: Mapping[str, str]) -> FrozenJob | None:
        """Return a job of this sweep with all its keys; None if ``only`` leaves it out."""
        settings = self.context.compose([*self.fixed, *(f"{key}={text}" for key, text in varying.items())])
        if self.condition is not None and not self.condition.holds(settings):
            return None
        return freeze_job(Job(number, varying, member_name(varying), settings), sweep, None)

    def manifest(self) -> Manifest:
        """Return the manifest of a new search."""
        space = {one.name: one.describe() for one in self.dimensions}
        sweep, folder = new_sweep_name(self.settings), str(self.context.folder.absolute())
        return Manifest(sweep, determining_overrides(self.arguments), folder, [], space, self.trials())


def _checked_edges(dimensions: Sequence[Dimension], fixed: Sequence[str], context: SweepContext) -> list[TrainConfig]:
    """Return the configs at the edges of the space, all of them valid. Raises ConfigError."""
    names = [one.name for one in dimensions]
    checked = []
    for values in islice(product(*(one.edges() for one in dimensions)), MOST_CHECKED):
        own = proposal_overrides(dimensions, dict(zip(names, values, strict=True)))
        checked.append(context.compose([*fixed, *(f"{key}={text}" for key, text in own.items())]))
    return checked


def sweep_search(arguments: Sequence[str], context: SweepContext) -> Sequence[JobReturn]:
    """Carry out the search that was typed, or show its plan. Raises as :func:`mlplab.sweeps.entry.sweep_typed`."""
    typed = TypedSearch.read(arguments, context)
    settings, trials = typed.settings, typed.trials()
    context.require_common_store(settings.tracking.uri)
    context.require_common_study(settings)
    if not settings.resume:  # then only where something is left to run
        typed.require_data()
    target = Target.of(settings.tracking)
    reading = read_from(target)
    former = record.find_sweep(reading.store, command_digest(arguments)) if settings.resume or settings.plan else None
    if settings.resume:
        typed.require_data_left(former, reading.store)
    if settings.plan:
        show_search_plan(typed.dimensions, trials, flatten(settings), former, reading.store)
        return []
    if settings.resume and former is None and not reading.is_stand_in:
        require_no_other_space(reading.store, arguments)
    resumed = require_resumable(former, reading, target) if settings.resume else None
    manifest = resumed.manifest if resumed else typed.manifest()
    manifest = replace(manifest, trials=trials)
    context.use_folder(manifest.folder)
    known = record.stored_members(reading.store, manifest.sweep) if resumed else {}

    def begin(sweep: Sweep) -> Searching:
        return _begin(typed, sweep)

    sweep = Sweep(manifest, settings, target, context, compare_members, known, begin=begin)
    return carry_out_or_resume(sweep, resumed, reading)


def _begin(typed: TypedSearch, sweep: Sweep) -> Searching:
    """Open the study of a sweep that is this command's alone, with the jobs that a former command has proposed."""
    manifest, settings = sweep.manifest, sweep.settings
    study = create_study(settings, Path(manifest.folder), manifest.sweep)
    jobs = known_jobs(study)
    if len(jobs) < len(manifest.jobs):  # its file was removed, or lies on another machine
        raise SweepError(
            f"resume=true: the study of sweep {manifest.sweep} has {len(jobs)} of its {len(manifest.jobs)} runs; put "
            f"{Path(manifest.folder) / STUDY_FILE} back, set search_storage as before, or leave resume out for "
            "another search"
        )
    manifest.jobs[:] = jobs
    proposals = Proposals(
        study, settings.search, typed.dimensions, partial(typed.freeze, manifest.sweep), settings.seed
    )
    proposals.note_tried(manifest.jobs)
    trials, limits = Trials(study, settings.monitor), Limits(study, settings)
    return Searching(manifest, settings, sweep.context, sweep.known, proposals, trials, limits)

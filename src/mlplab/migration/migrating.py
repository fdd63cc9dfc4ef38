"""Copy all runs of a store to another one, a few at a time; what is there whole is left alone.

First every run is created, and every model, so that all new ids are known: the runs of a sweep name each other. Then
each gets what it has here, is read from there and compared, and marked as whole.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from mlflow.entities import Experiment, Run

from mlplab.migration.content import Content, differences, read_contents, side_by_side
from mlplab.migration.copying import OWN_TAGS, complete, create_empty
from mlplab.migration.logged_models import all_models, copy_model, create_models
from mlplab.migration.translation import Translation
from mlplab.schema import MIGRATED_FROM_TAG, MIGRATED_TAG
from mlplab.store.batches import in_batches
from mlplab.store.store import Store, connect, find_store
from mlplab.tracking.reading import end_dead_runs

AT_ONCE = 20  # runs whose artifacts lie in a temporary folder together
_ENDED = ("FINISHED", "FAILED", "KILLED")


@dataclass
class Report:
    """What a migration did.

    Attributes:
        present: runs that were there whole already.
        running: ids of runs that somebody still writes: they are not copied.
        differing: what is not the same there, by the name of a run or a model.
    """

    runs: int = 0
    points: int = 0
    files: int = 0
    models: int = 0
    present: int = 0
    running: list[str] = field(default_factory=list)
    differing: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Experiment:
    source: Store
    target: Store
    runs: list[Run]


def open_source(uri: str) -> Store:
    """Return the store, after what waits to be sent there is sent, and runs whose process has died are closed.

    Raises:
        StoreError: there is none, or it cannot be used.
    """
    source = find_store(uri, "Default")  # every store of MLflow's has this experiment
    for experiment in _experiments(source):
        end_dead_runs(Store(uri, str(experiment.experiment_id), source.client))
    return source


class Migration:
    """From one store to another: ``runs`` says how many runs there are to copy."""

    def __init__(self, source: Store, target_uri: str) -> None:
        """Look what there is to copy. ``source``: the store, with any experiment.

        Raises:
            StoreError: a store cannot be used.
        """
        self.report = Report()
        self._uris = (source.uri, target_uri)
        self._experiments = [self._look_at(source, target_uri, one) for one in _experiments(source)]
        self._copies: dict[str, Run] = {}  # by the id of the run
        for experiment in self._experiments:
            self._copies |= _copies(experiment.target) | _originals(experiment)
        self.todo = [(one, [run for run in one.runs if not self._is_whole(run)]) for one in self._experiments]
        self.report.present = sum(len(one.runs) for one in self._experiments) - self.runs

    @property
    def runs(self) -> int:
        """How many runs there are to copy."""
        return sum(len(runs) for _, runs in self.todo)

    def _look_at(self, source: Store, target_uri: str, experiment: Experiment) -> _Experiment:
        store = Store(source.uri, str(experiment.experiment_id), source.client)
        found = store.search("")
        self.report.running += [run.info.run_id for run in found if run.info.status not in _ENDED]
        runs = [run for run in reversed(found) if run.info.status in _ENDED]
        return _Experiment(store, connect(target_uri, experiment.name), runs)

    def _is_whole(self, run: Run) -> bool:
        copy = self._copies.get(run.info.run_id)
        if copy is None:
            return False
        is_original = copy.info.run_id == run.data.tags.get(MIGRATED_FROM_TAG)
        return _state(run) == (_state(copy) if is_original else copy.data.tags.get(MIGRATED_TAG))

    def carry_out(self, advance: Callable[[int], None]) -> Report:
        """Copy; call ``advance`` with a number of runs whenever they are done.

        Raises:
            StoreError: a store does not answer. The same migration then goes on where it stopped.
        """
        is_new = {run.info.run_id for _, runs in self.todo for run in runs} - self._copies.keys()
        ids = {known: copy.info.run_id for known, copy in self._copies.items()}
        for experiment, runs in self.todo:
            missing = [run for run in runs if run.info.run_id in is_new]
            with experiment.target.explaining():
                created = side_by_side(experiment.target, partial(create_empty, experiment.target), missing)
            ids |= {run.info.run_id: copy for run, copy in zip(missing, created, strict=True)}
        translation = self._copy_models(ids)
        for experiment, runs in self.todo:
            for some in in_batches(runs, AT_ONCE):
                self._copy_runs(experiment, some, ids, is_new, translation)
                advance(len(some))
            _delete_twins(experiment.target, ids)
        return self.report

    def _copy_models(self, run_ids: dict[str, str]) -> Translation:
        """Copy the logged models; return the translation, of their ids too."""
        copies = [(one, create_models(one.source, one.target, run_ids)) for one in self._experiments]
        ids = run_ids | {known: copy.model_id for _, models in copies for known, copy in models.items()}
        experiments = {one.source.experiment_id: one.target.experiment_id for one in self._experiments}
        translation = Translation(*self._uris, ids, experiments)
        for one, models in copies:
            _describe(one, translation)
            for model in all_models(one.source):
                self.report.models += 1
                if not copy_model(one.source, one.target, model, models[model.model_id], translation):
                    self.report.differing[f"model {model.model_id}"] = ["its files"]
        return translation

    def _copy_runs(
        self, one: _Experiment, runs: Sequence[Run], ids: dict[str, str], is_new: set[str], translation: Translation
    ) -> None:
        here = [run.info.run_id for run in runs]
        with tempfile.TemporaryDirectory() as name:
            folders = [Path(name) / part for part in ("here", "before", "there")]
            for folder in folders:
                folder.mkdir()
            read = read_contents(one.source, here, folders[0], translation.files)
            wanted = {run_id: _translated(content, translation) for run_id, content in read.items()}
            begun = [ids[run_id] for run_id in here if run_id not in is_new]
            found = read_contents(one.target, begun, folders[1]) if begun else {}

            def copy(run_id: str) -> None:
                has = found.get(ids[run_id], Content("RUNNING", wanted[run_id].start, None))
                complete(one.target, ids[run_id], wanted[run_id], has, folders[0] / run_id)

            with one.target.explaining():
                side_by_side(one.target, copy, here)
            there = read_contents(one.target, [ids[run_id] for run_id in here], folders[2])
        whole = [run for run in runs if self._is_same(run, wanted[run.info.run_id], there[ids[run.info.run_id]])]

        def mark(run: Run) -> None:
            one.target.client.set_tag(ids[run.info.run_id], MIGRATED_TAG, _state(run))

        with one.target.explaining():
            side_by_side(one.target, mark, whole)

    def _is_same(self, run: Run, wanted: Content, found: Content) -> bool:
        """Note how a copied run compares."""
        if said := differences(wanted, found):
            self.report.differing[f"run {run.info.run_id} ({run.info.run_name})"] = said
            return False
        self.report.runs += 1
        self.report.points += len(wanted.points)
        self.report.files += len(wanted.files)
        return True


def _experiments(source: Store) -> list[Experiment]:
    found: list[Experiment] = []
    token: str | None = None
    while True:
        with source.explaining():
            page = source.client.search_experiments(page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def _copies(target: Store) -> dict[str, Run]:
    """Return the copies that are there, by the id of the run; of several the one that is whole, or the first."""
    found: dict[str, Run] = {}
    for run in target.search(f"tags.`{MIGRATED_FROM_TAG}` != ''"):
        known = run.data.tags[MIGRATED_FROM_TAG]
        if known not in found or MIGRATED_TAG not in found[known].data.tags:
            found[known] = run
    return found


def _originals(one: _Experiment) -> dict[str, Run]:
    """Return the runs there of which runs here are copies, by the id of the run here: it comes back."""
    here = {
        run.data.tags[MIGRATED_FROM_TAG]: run.info.run_id for run in one.runs if MIGRATED_FROM_TAG in run.data.tags
    }
    return {here[run.info.run_id]: run for run in one.target.find(list(here))}


def _delete_twins(target: Store, ids: dict[str, str]) -> None:
    """Delete the runs that the store created for answers that were lost."""
    for run in target.search(f"tags.`{MIGRATED_FROM_TAG}` != ''"):
        if ids.get(run.data.tags[MIGRATED_FROM_TAG], run.info.run_id) != run.info.run_id:
            with target.explaining():
                target.client.delete_run(run.info.run_id)


def _state(run: Run) -> str:
    return f"{run.info.status} {run.info.end_time}"


def _translated(content: Content, translation: Translation) -> Content:
    tags = {key: value for key, value in content.tags.items() if key not in OWN_TAGS}
    models = frozenset((translation.id(model_id), step) for model_id, step in content.models)
    return replace(content, tags=translation.tags(tags), models=models)


def _describe(one: _Experiment, translation: Translation) -> None:
    """Set the tags of the experiment, its description among them, that it does not have there."""
    with one.source.explaining():
        here = one.source.client.get_experiment(one.source.experiment_id).tags
    with one.target.explaining():
        there = one.target.client.get_experiment(one.target.experiment_id).tags
        for key in here.keys() - there.keys():
            one.target.client.set_experiment_tag(one.target.experiment_id, key, translation.text(here[key]))

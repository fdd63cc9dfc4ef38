"""Copy what a run lacks: a new one everything, one whose copying was interrupted the rest."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from mlflow.entities import LoggedModelInput, LoggedModelOutput, Metric, Param, Run, RunTag

from mlplab.migration.content import Content
from mlplab.schema import MIGRATED_FROM_TAG, MIGRATED_TAG, USER_TAG, is_own_tag
from mlplab.store.batches import MOST_ENTITIES, MOST_VALUES, in_batches
from mlplab.store.store import Store

OWN_TAGS = (MIGRATED_FROM_TAG, MIGRATED_TAG)
_inputs = threading.Lock()  # two runs that record one data set at the same moment would fail


def create_empty(store: Store, run: Run) -> str:
    """Create the run that is to become a copy of this one, and return its id; it is RUNNING.

    It has no tags yet: a command that looks for runs whose process has died must not find its process.
    """
    tags = {MIGRATED_FROM_TAG: run.info.run_id, USER_TAG: run.data.tags.get(USER_TAG, "unknown")}
    created = store.client.create_run(
        store.experiment_id, start_time=run.info.start_time, tags=tags, run_name=run.info.run_name
    )
    return str(created.info.run_id)


def complete(store: Store, run_id: str, wanted: Content, found: Content, folder: Path) -> None:
    """Log what ``wanted`` has and ``found`` lacks; first what was measured, then how it ended, then the tags.

    Args:
        store: has the run.
        run_id: of the run.
        wanted: what it is to have.
        found: what it has.
        folder: the artifacts of ``wanted``.
    """
    client = store.client
    missing = sorted(wanted.points - found.points, key=lambda point: (point[2], point[1], point[0]))
    for values in in_batches(missing, MOST_VALUES):
        client.log_batch(run_id, metrics=[Metric(key, value, at, step) for key, step, at, value in values])
    params = [Param(key, value) for key, value in wanted.params.items() if key not in found.params]
    for some in in_batches(params, MOST_ENTITIES):
        client.log_batch(run_id, params=some)
    inputs = [one for key, one in wanted.inputs.items() if key not in found.inputs]
    models = wanted.models - found.models
    used = [LoggedModelInput(model_id) for model_id, step in models if step is None]
    if inputs or used:
        with _inputs:
            client.log_inputs(run_id, inputs, used)
    if made := [LoggedModelOutput(model_id, step) for model_id, step in models if step is not None]:
        client.log_outputs(run_id, made)
    for name, parent in _unequal(wanted.files, found.files):
        client.log_artifact(run_id, str(folder / name), parent)
    _end(store, run_id, wanted)
    _tag(store, run_id, wanted.tags, found.tags)


def _unequal(wanted: Mapping[str, str], found: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Yield the files that are to be logged, and in which folder of the artifacts."""
    for name, digest in wanted.items():
        if found.get(name) != digest:
            parent = PurePosixPath(name).parent
            yield name, None if parent == PurePosixPath() else str(parent)


def _end(store: Store, run_id: str, wanted: Content) -> None:
    if wanted.end is None:
        store.client.update_run(run_id, status=wanted.status)
    else:
        store.client.set_terminated(run_id, wanted.status, wanted.end)


def _tag(store: Store, run_id: str, wanted: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Set the tags; of those that only the copy has, people's own stay."""
    changed = [RunTag(key, value) for key, value in wanted.items() if found.get(key) != value]
    for some in in_batches(changed, MOST_ENTITIES):
        store.client.log_batch(run_id, tags=some)
    for key in found.keys() - wanted.keys():
        if is_own_tag(key) and key not in OWN_TAGS:
            store.client.delete_tag(run_id, key)

"""Deliver the records of a journal to MLflow: each as often as needed, with the result of once."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import assert_never

from mlflow.entities import Dataset as DatasetEntity
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from mlplab.errors import LostRunError, StoreError
from mlplab.schema import END_TAGS, ERROR_TAG, HEARTBEAT_TAG, HOST_TAG, JOURNAL_TAG, NOTE_TAG, PID_TAG, STARTED_TAG
from mlplab.store.batches import MOST_ENTITIES, MOST_VALUES, in_batches
from mlplab.store.store import Store
from mlplab.store.uri import is_server
from mlplab.tracking.artifact_delivery import deliver_artifact
from mlplab.tracking.description import sweep_links
from mlplab.tracking.heartbeat import beat
from mlplab.tracking.journal import Journal
from mlplab.tracking.model_delivery import deliver_model
from mlplab.tracking.records import (
    Artifact,
    Begin,
    Deliverable,
    Description,
    End,
    Input,
    Model,
    Params,
    Points,
    Tags,
)

SETTLING_SECONDS = 2.0  # in which a request that another machine makes at the same moment arrives
_MISSING = "RESOURCE_DOES_NOT_EXIST"
OWNER_TAGS = (HOST_TAG, PID_TAG, STARTED_TAG)


def prepare(store: Store, journal: Journal) -> None:
    """Look what the store has of the run, before anything is sent, and again after an outage.

    If it does not know the run (another store lies there now), everything is sent anew.

    Raises:
        LostRunError: another process has taken the run over: what this one still has must not be sent.
        Exception: as MLflow raises it.
    """
    if journal.run_id is None:
        return
    recorded = _tags_of(store, journal.run_id)
    if recorded is None:
        journal.forget_store()
    elif not journal.is_adopting and not any(_is_owner(recorded, tags) for tags in journal.writers):
        raise LostRunError(f"{journal.folder}: another process has taken run {journal.run_id} over")


def deliver_next(store: Store, journal: Journal) -> None:
    """Deliver the next pending record, or the next points, and note it in the journal.

    Raises:
        Exception: as MLflow raises it; nothing is noted then, and the same call can be made again.
    """
    records = journal.next_records(MOST_VALUES)
    first = records[0]
    if isinstance(first, Begin):
        _begin(store, journal, first)
    else:
        _deliver(store, journal, records)
    journal.mark_sent(len(records))


def _begin(store: Store, journal: Journal, begin: Begin) -> None:
    if journal.run_id is None:
        found = find_created(store, begin.key) if journal.tried else []
        journal.tried = True  # whatever comes now: perhaps the store creates the run, and its answer is lost
        journal.mark_created(found[-1] if found else _create(store, begin))
        return
    # First the owner, then the status.
    _log_tags(store, journal.run_id, {**begin.tags, HEARTBEAT_TAG: beat(), JOURNAL_TAG: begin.key})
    if begin.run_id is not None and is_server(store.uri):
        _require_won(store, begin.run_id, begin.tags)
    store.client.update_run(journal.run_id, status="RUNNING")
    for tag in store.client.get_run(journal.run_id).data.tags.keys() & set(END_TAGS):
        store.client.delete_tag(journal.run_id, tag)


def _require_won(store: Store, run_id: str, tags: Mapping[str, str]) -> None:
    """Raise LostRunError if another machine took the run over at the same moment: the last to write its tags wins."""
    time.sleep(SETTLING_SECONDS)
    if not _is_owner(_tags_of(store, run_id) or {}, tags):
        raise LostRunError(f"run {run_id}: another process has taken it over at the same moment")


def _is_owner(recorded: Mapping[str, str], tags: Mapping[str, str]) -> bool:
    return all(recorded.get(tag) == tags.get(tag) for tag in OWNER_TAGS)


def _tags_of(store: Store, run_id: str) -> dict[str, str] | None:
    try:
        return dict(store.client.get_run(run_id).data.tags)
    except MlflowException as error:
        if error.error_code == _MISSING:
            return None
        raise


def _create(store: Store, begin: Begin) -> str:
    tags = {**begin.tags, HEARTBEAT_TAG: beat(), JOURNAL_TAG: begin.key}
    run = store.client.create_run(store.experiment_id, start_time=begin.time, run_name=begin.name, tags=tags)
    return str(run.info.run_id)


def find_created(store: Store, key: str) -> list[str]:
    """Return the ids of the runs with this key, latest first: more than one if the answer to a creation was lost."""
    return [run.info.run_id for run in store.search(f"tags.{JOURNAL_TAG} = '{key}'")]


def _deliver(store: Store, journal: Journal, records: Sequence[Deliverable]) -> None:
    client, run_id, record = store.client, journal.run_id, records[0]
    if run_id is None:
        raise StoreError(f"{journal.folder}: its journal has no beginning")
    match record:
        case Points():
            metrics = [
                Metric(key, value, one.time, one.step)
                for one in records
                if isinstance(one, Points)
                for key, value in one.values.items()
            ]
            client.log_batch(run_id, metrics=metrics)
        case Params():
            params = [Param(key, value) for key, value in record.values.items()]
            for some in in_batches(params, MOST_ENTITIES):
                client.log_batch(run_id, params=some)
        case Input():
            _log_input(store, run_id, record)
        case Tags():
            _log_tags(store, run_id, record.values)
        case Description():
            links = "" if record.sweep is None else sweep_links(store, record.sweep)
            client.set_tag(run_id, NOTE_TAG, record.text + links)
        case Artifact():
            deliver_artifact(store, journal, run_id, record.path)
        case Model():
            deliver_model(store, journal, run_id, record)
        case End():
            _end(store, journal, run_id, record)
        case Begin():
            raise AssertionError(record)
        case _:
            assert_never(record)


def _log_tags(store: Store, run_id: str, values: dict[str, str]) -> None:
    tags = [RunTag(key, value) for key, value in values.items()]
    for some in in_batches(tags, MOST_ENTITIES):
        store.client.log_batch(run_id, tags=some)


def _log_input(store: Store, run_id: str, record: Input) -> None:
    source, profile = json.dumps(record.source), json.dumps(record.profile)
    entity = DatasetEntity(record.name, record.digest, record.kind, source, profile=profile)
    inputs = [DatasetInput(entity, [InputTag("mlflow.data.context", "training")])]
    try:
        store.client.log_inputs(run_id, inputs)
    except MlflowException as error:
        if "IntegrityError" not in str(error):
            raise
        # Another process recorded the same data set at the same moment: now it exists.
        store.client.log_inputs(run_id, inputs)


def _end(store: Store, journal: Journal, run_id: str, record: End) -> None:
    if record.error:
        store.client.set_tag(run_id, ERROR_TAG, record.error)
    store.client.set_terminated(run_id, record.status, record.time)
    if is_server(store.uri):
        remove_twins(store, journal.beginning.key, run_id)


def remove_twins(store: Store, key: str, run_id: str) -> None:
    """Delete the runs that the store created for lost answers, beside the one that was written."""
    for twin in find_created(store, key):
        if twin != run_id:
            store.client.delete_run(twin)

"""Deliver a run's model as a logged model of MLflow's: an entity of its own, with params, metrics and data set.

Every step may be done again: the model is found by the journal's key, as a run is whose creation was never answered.
Where the store cannot do it the files become artifacts of the run. ``runs:/ID/model`` leads to them in either case.
"""

import logging
from contextlib import suppress
from pathlib import Path

import requests
import yaml
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus, Metric, Run
from mlflow.exceptions import MlflowException

from mlplab.schema import FINAL, JOURNAL_TAG, MODEL_DIGEST_TAG
from mlplab.store.faults import STORE_ERRORS, is_away, reason_of
from mlplab.store.store import Store
from mlplab.store.uri import is_server
from mlplab.tracking.artifact_delivery import deliver_artifact
from mlplab.tracking.journal import Journal
from mlplab.tracking.model_digest import CARD
from mlplab.tracking.records import Model, Points

log = logging.getLogger(__name__)

_TYPE = "classifier"


def deliver_model(store: Store, journal: Journal, run_id: str, record: Model) -> None:
    """Deliver the model, and what the run knows of it.

    Raises:
        Exception: as MLflow raises it, where the store is away.
    """
    folder = journal.artifacts / record.path
    if not folder.is_dir():  # somebody removed it, or a stand-in of the store is made, which needs none
        return
    try:
        _log_model(store, journal, store.client.get_run(run_id), record, folder)
    except (MlflowException, requests.RequestException, NotImplementedError) as error:
        if is_away(store.uri, error):
            raise
        log.warning(
            "MLflow does not take the model as a logged model (%s); its files are artifacts of the run",
            reason_of(error),
        )
        with suppress(*STORE_ERRORS, NotImplementedError):
            _delete(store, _find(store, journal.beginning.key))
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            deliver_artifact(store, journal, run_id, path.relative_to(journal.artifacts).as_posix())


def _log_model(store: Store, journal: Journal, run: Run, record: Model, folder: Path) -> None:
    client, run_id = store.client, str(run.info.run_id)
    found = _find(store, journal.beginning.key)
    model = found[0] if found else _create(store, journal, run, record)
    if model.status != LoggedModelStatus.READY or model.tags.get(MODEL_DIGEST_TAG) != record.digest:
        _name_in_card(folder / CARD, model.model_id, run_id)
        client.log_model_artifacts(model.model_id, str(folder))
        if model.tags.get(MODEL_DIGEST_TAG) != record.digest:  # of a run that was resumed when it had saved one
            client.set_logged_model_tags(model.model_id, {MODEL_DIGEST_TAG: record.digest})
        client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    if model.model_id not in {output.model_id for output in _outputs(run)}:
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    client.log_batch(run_id, metrics=_metrics(journal, run, model.model_id))
    if is_server(store.uri):
        _delete(store, _find(store, journal.beginning.key)[1:])


def _find(store: Store, key: str) -> list[LoggedModel]:
    """Return the models with this key, first that one which was created first: the others are of lost answers."""
    found = store.client.search_logged_models([store.experiment_id], f"tags.{JOURNAL_TAG} = '{key}'")
    return sorted(found, key=lambda model: (model.creation_timestamp, model.model_id))


def _create(store: Store, journal: Journal, run: Run, record: Model) -> LoggedModel:
    tags = {JOURNAL_TAG: journal.beginning.key, MODEL_DIGEST_TAG: record.digest}
    params = {key: value for key, value in run.data.params.items() if value}  # MLflow takes no empty one
    return store.client.create_logged_model(store.experiment_id, record.path, run.info.run_id, tags, params, _TYPE)


def _delete(store: Store, models: list[LoggedModel]) -> None:
    for model in models:
        store.client.delete_logged_model(model.model_id)


def _outputs(run: Run) -> list[LoggedModelOutput]:
    return list(run.outputs.model_outputs) if run.outputs else []


def _metrics(journal: Journal, run: Run, model_id: str) -> list[Metric]:
    """Return the final metrics as the run has them: MLflow knows a value again by its time."""
    inputs = run.inputs.dataset_inputs if run.inputs else []
    used = inputs[0].dataset if inputs else None
    name, digest = (used.name, used.digest) if used else (None, None)
    latest = {
        key: Metric(key, value, points.time, points.step, model_id, name, digest, run.info.run_id)
        for points in journal.records
        if isinstance(points, Points)
        for key, value in points.values.items()
        if key.startswith(FINAL)
    }
    return list(latest.values())


def _name_in_card(card: Path, model_id: str, run_id: str) -> None:
    known = {**yaml.safe_load(card.read_text(encoding="utf-8")), "model_id": model_id, "run_id": run_id}
    new = card.with_name(f".{CARD}")
    new.write_text(yaml.safe_dump(known, sort_keys=False, allow_unicode=True), encoding="utf-8")
    new.replace(card)

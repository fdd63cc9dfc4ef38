"""MLflow's logged models, which are entities of their own beside the runs that made them, copied with their files."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from mlflow.entities import LoggedModel, LoggedModelStatus, Metric

from mlplab.migration.content import digests_of
from mlplab.migration.copying import OWN_TAGS
from mlplab.migration.translation import Translation
from mlplab.schema import MIGRATED_FROM_TAG, MIGRATED_TAG
from mlplab.store.model_files import copy_files
from mlplab.store.store import Store


def all_models(store: Store) -> Iterator[LoggedModel]:
    """Yield the logged models of the experiment. Raises StoreError."""
    token: str | None = None
    while True:
        with store.explaining():
            page = store.client.search_logged_models([store.experiment_id], page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def create_models(source: Store, target: Store, run_ids: dict[str, str]) -> dict[str, LoggedModel]:
    """Return the copy of every logged model, by its id there; those that do not exist are created, without files.

    Args:
        source: has the models.
        target: is to have them.
        run_ids: of the copies of runs, by the id of the run.

    Raises:
        StoreError: a store does not answer.
    """
    copies = {model.tags[MIGRATED_FROM_TAG]: model for model in all_models(target) if MIGRATED_FROM_TAG in model.tags}
    for model in all_models(source):
        if model.model_id not in copies:
            run = run_ids.get(model.source_run_id) if model.source_run_id else None
            with target.explaining():
                copies[model.model_id] = target.client.create_logged_model(
                    target.experiment_id, model.name, run, {MIGRATED_FROM_TAG: model.model_id}, model.params,
                    model.model_type,
                )  # fmt: skip
    return copies


def copy_model(source: Store, target: Store, model: LoggedModel, copy: LoggedModel, translation: Translation) -> bool:
    """Copy what a model has, files included, unless it is whole there; return whether its files are the same then.

    Raises:
        StoreError: a store does not answer.
    """
    if copy.tags.get(MIGRATED_TAG) == str(model.status):
        return True
    with tempfile.TemporaryDirectory() as name, source.explaining():
        here = _download(source, model, Path(name) / "here")
        translation.files(here, {model.artifact_location: copy.artifact_location})
        wanted = digests_of(here)
        with target.explaining():
            if wanted:
                target.client.log_model_artifacts(copy.model_id, str(here))
            if copy.status is LoggedModelStatus.PENDING and model.status is not LoggedModelStatus.PENDING:
                target.client.finalize_logged_model(copy.model_id, model.status)
            tags = {key: value for key, value in model.tags.items() if key not in OWN_TAGS}
            target.client.set_logged_model_tags(copy.model_id, translation.tags(tags))
            if copy.source_run_id is not None and model.metrics:
                target.client.log_batch(copy.source_run_id, metrics=[_metric(one, copy) for one in model.metrics])
            same = digests_of(_download(target, copy, Path(name) / "there")) == wanted
            if same:
                target.client.set_logged_model_tags(copy.model_id, {MIGRATED_TAG: str(model.status)})
        return same


def _metric(one: Metric, copy: LoggedModel) -> Metric:
    return Metric(
        one.key,
        one.value,
        one.timestamp,
        one.step,
        copy.model_id,
        one.dataset_name,
        one.dataset_digest,
        copy.source_run_id,
    )


def _download(store: Store, model: LoggedModel, folder: Path) -> Path:
    """Return the folder with the files of the model, in ``folder``, which is created."""
    folder.mkdir()
    if not store.client.list_logged_model_artifacts(model.model_id):
        return folder
    return copy_files(store, model.artifact_location, folder)

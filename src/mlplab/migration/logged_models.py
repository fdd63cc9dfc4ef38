"""MLflow's logged models, which are entities of their own beside the runs that made them, copied with their files."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from mlflow.artifacts import download_artifacts
from mlflow.entities import LoggedModel, LoggedModelStatus

from mlplab.migration.content import digests_of
from mlplab.migration.translation import Translation
from mlplab.schema import MIGRATED_FROM_TAG, MIGRATED_TAG
from mlplab.store.store import Store
from mlplab.store.uri import with_password


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
    """Copy the files, tags and state of a model that is not whole there; return whether they are the same then.

    Raises:
        StoreError: a store does not answer.
    """
    if copy.tags.get(MIGRATED_TAG) == str(model.status):
        return True
    with tempfile.TemporaryDirectory() as name, source.explaining():
        folder = Path(name)
        _download(source, model.model_id, folder / "here")
        translation.files(folder / "here")
        wanted = digests_of(folder / "here")
        with target.explaining():
            if wanted:
                target.client.log_model_artifacts(copy.model_id, str(folder / "here"))
            if copy.status is LoggedModelStatus.PENDING and model.status is not LoggedModelStatus.PENDING:
                target.client.finalize_logged_model(copy.model_id, model.status)
            target.client.set_logged_model_tags(copy.model_id, translation.tags(model.tags))
            _download(target, copy.model_id, folder / "there")
            same = digests_of(folder / "there") == wanted
            if same:
                target.client.set_logged_model_tags(copy.model_id, {MIGRATED_TAG: str(model.status)})
        return same


def _download(store: Store, model_id: str, folder: Path) -> None:
    folder.mkdir()
    if store.client.list_logged_model_artifacts(model_id):
        download_artifacts(
            artifact_uri=f"models:/{model_id}", dst_path=str(folder), tracking_uri=with_password(store.uri)
        )

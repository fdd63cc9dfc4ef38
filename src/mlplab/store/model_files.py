"""Where the files of a run's model lie: as a logged model's, or among the artifacts of the run itself."""

from pathlib import Path

from mlflow.artifacts import download_artifacts
from mlflow.entities import LoggedModel, Run

from mlplab.commands import typed_command
from mlplab.errors import StoreError
from mlplab.schema import MODEL
from mlplab.store.store import Store
from mlplab.store.uri import with_password


def logged_model_of(store: Store, run: Run) -> LoggedModel | None:
    """Return the logged model that a run of this project made; None where its model is among its artifacts.

    Raises StoreError.
    """
    made = run.outputs.model_outputs if run.outputs else []
    with store.explaining():
        models = [store.client.get_logged_model(output.model_id) for output in made]
    return next((model for model in models if model.name == MODEL), None)


def copy_model_files(store: Store, run: Run, folder: Path) -> Path:
    """Copy the model of a run into a folder, which exists; return the folder that has its files.

    Raises:
        StoreError: the store does not answer, or has no model of the run.
    """
    model = logged_model_of(store, run)
    if model is not None:
        return copy_files(store, str(model.artifact_location), folder)
    with store.explaining():
        if not any(item.path == MODEL for item in store.client.list_artifacts(run.info.run_id)):
            raise StoreError(
                f"run {run.info.run_id}: the store has no model of it; what waits is sent by `{typed_command('sync')}`"
            )
    return copy_files(store, f"{run.info.artifact_uri}/{MODEL}", folder)


def copy_files(store: Store, place: str, folder: Path) -> Path:
    """Copy the artifacts that lie at an address of the store's into a folder. Raises StoreError."""
    with store.explaining():
        # By the place: for models:/ID, MLflow asks the store that is set for the whole process.
        found = download_artifacts(artifact_uri=place, dst_path=str(folder), tracking_uri=with_password(store.uri))
    return Path(found)

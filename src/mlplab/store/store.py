"""Where runs are kept: an MLflow store that answers. How one is reached is in ``target``."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Run, ViewType
from mlflow.exceptions import MlflowException

from mlplab.commands import typed_command
from mlplab.errors import ConfigError, StoreError
from mlplab.store.client import connect_client
from mlplab.store.faults import STORE_ERRORS, explained
from mlplab.store.links import Links
from mlplab.store.relocation import artifact_folder, mend_locations
from mlplab.store.sqlite_file import prepare_file, tidy_file
from mlplab.store.uri import DEFAULT_URI, SQLITE, public, sqlite_path, with_password

CHUNK = 500  # runs that are asked for at once


@dataclass(frozen=True)
class Store(Links):
    """An MLflow store that answers, and the experiment in it."""

    client: MlflowClient

    def search(self, query: str) -> list[Run]:
        """Return the experiment's runs that match this filter of MLflow, latest first.

        Raises:
            ConfigError: MLflow does not understand the filter.
            StoreError: the store does not answer.
        """
        runs: list[Run] = []
        token: str | None = ""
        with self.explaining(query):
            while token is not None:
                page = self.client.search_runs(
                    [self.experiment_id],
                    query,
                    ViewType.ACTIVE_ONLY,
                    max_results=1_000,
                    order_by=["attributes.start_time DESC"],
                    page_token=token or None,
                )
                runs += page
                token = page.token or None
        return runs

    def find(self, run_ids: Sequence[str]) -> list[Run]:
        """Return these runs, in no order. Raises StoreError."""
        chunks = [run_ids[start : start + CHUNK] for start in range(0, len(run_ids), CHUNK)]
        return [
            run for chunk in chunks for run in self.search(f"attributes.run_id IN ({', '.join(map(repr, chunk))})")
        ]

    def points(self, run_id: str, beginnings: Sequence[str] = ("",)) -> list[Metric]:
        """Return every logged value of the metrics whose names start with one of these texts. Raises StoreError."""
        with self.explaining():
            keys = [key for key in self.client.get_run(run_id).data.metrics if key.startswith(tuple(beginnings))]
            return [point for key in keys for point in self.client.get_metric_history(run_id, key)]

    def read_artifacts(self, run_id: str, *names: str) -> list[str | None]:
        """Return text artifacts by name; None for each that the run does not have. Raises StoreError."""
        with self.explaining(), tempfile.TemporaryDirectory() as folder:
            existing = {item.path for item in self.client.list_artifacts(run_id)}
            return [
                Path(self.client.download_artifacts(run_id, name, folder)).read_text("utf-8", "replace")
                if name in existing
                else None
                for name in names
            ]

    def copy_artifacts(self, run_id: str, name: str, folder: Path) -> list[Path]:
        """Copy the artifacts in a folder of a run into another; return the copies. Raises StoreError."""
        with self.explaining():
            found = [item.path for item in self.client.list_artifacts(run_id, name)]
            return [Path(self.client.download_artifacts(run_id, path, str(folder))) for path in found]

    @contextmanager
    def explaining(self, query: str = "") -> Iterator[None]:
        """Turn the errors of MLflow inside into a StoreError, and for a ``query`` it rejects into a ConfigError."""
        try:
            yield
        except STORE_ERRORS as error:
            if query and isinstance(error, MlflowException) and error.error_code == "INVALID_PARAMETER_VALUE":
                raise ConfigError(f"{query}: MLflow does not understand this filter ({error.message})") from error
            raise explained(self.uri, error) from error


def connect(uri: str, experiment: str) -> Store:
    """Return the store; create its file, if it is SQLite, and the experiment, where they do not exist.

    Raises:
        StoreAwayError: it does not answer now.
        StoreError: it cannot be used.
    """
    try:
        if uri.startswith(SQLITE):
            path = Path(uri.removeprefix(SQLITE)).absolute()
            _require_folder(path, uri)
            prepare_file(path)
            mend_locations(path)
        client = connect_client(with_password(uri))
        return Store(uri, _experiment_id(client, uri, experiment), client)
    except STORE_ERRORS as error:
        raise explained(uri, error) from error


def find_store(uri: str | None, experiment: str) -> Store:
    """Return an existing store, and the experiment in it; create nothing.

    Raises:
        StoreAwayError: it does not answer now.
        StoreError: it cannot be used, or has no such experiment.
    """
    uri = uri or DEFAULT_URI
    path = sqlite_path(uri)
    try:
        if path is not None:
            tidy_file(Path(path))
            require_file(uri)
            mend_locations(Path(path))
        client = connect_client(with_password(uri))
        existing = client.get_experiment_by_name(experiment)
        names = [] if existing else [other.name for other in client.search_experiments()]
    except STORE_ERRORS as error:
        raise explained(uri, error) from error
    if existing is None:
        raise StoreError(f"tracking.experiment={experiment}: the store has no such experiment, but {', '.join(names)}")
    return Store(uri, str(existing.experiment_id), client)


def require_file(uri: str) -> None:
    """Raise StoreError if there is no file at this URI of SQLite."""
    if not Path(sqlite_path(uri) or "").exists():
        raise StoreError(
            f"tracking.uri={public(uri)}: no run is there yet; `{typed_command('train')}` makes the first"
        )


def _require_folder(path: Path, uri: str) -> None:
    """Raise StoreError where MLflow would create the folder of a mistyped path."""
    if not path.parent.is_dir():
        raise StoreError(f"tracking.uri={public(uri)}: no such folder: {path.parent}; make it, or take another file")


def _experiment_id(client: MlflowClient, uri: str, name: str) -> str:
    existing = client.get_experiment_by_name(name)
    if existing is None:
        location = None
        if uri.startswith(SQLITE):
            location = artifact_folder(Path(uri.removeprefix(SQLITE)), name).as_uri()
        try:
            return str(client.create_experiment(name, artifact_location=location))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            existing = client.get_experiment_by_name(name)  # another process was faster
            if existing is None:
                raise
    if existing.lifecycle_stage != "active":
        raise StoreError(
            f"tracking.experiment={name}: was deleted in MLflow. Restore it there (mlflow experiments restore "
            f"--experiment-id {existing.experiment_id}), or choose another name"
        )
    return str(existing.experiment_id)

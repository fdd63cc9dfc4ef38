"""The life of one MLflow run: begun, fed with points, and ended FINISHED, FAILED or KILLED with nothing lost."""

import json
import logging
import shutil
import tempfile
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import requests
from mlflow.entities import Dataset as DatasetEntity
from mlflow.entities import DatasetInput, InputTag, Metric, Param
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from mlplab.errors import StoreError
from mlplab.tracking.store import Store

log = logging.getLogger(__name__)

FLUSH_SECONDS = 2.0
BATCH = 1_000  # MLflow takes at most so many metrics in one call
STORE_ERRORS = (MlflowException, SQLAlchemyError, requests.RequestException, OSError)


class Run:
    """A run in the store, as a context: it ends as what happened inside.

    Points are kept back and written every FLUSH_SECONDS: one write of a hundred costs what one of one does.
    While the store does not answer they are kept, and tried again; should it never answer, they are saved as a
    file in ``rescue_folder`` and the end is a StoreError that says where.

    Attributes:
        run_id: MLflow's id of the run.
        artifacts: a folder to write files into; the store gets them all at the end.
    """

    def __init__(self, store: Store, name: str, tags: Mapping[str, str], rescue_folder: Path) -> None:
        """Create the run in the store, RUNNING.

        Raises:
            StoreError: the store did not take it.
        """
        self._store = store
        self._rescue_folder = rescue_folder
        self._unwritten: list[Metric] = []
        self._next_flush = 0.0
        try:
            created = store.client.create_run(store.experiment_id, run_name=name, tags=dict(tags))
        except STORE_ERRORS as error:
            raise StoreError(f"tracking.uri={store.uri}: the run could not be created ({error})") from error
        self.run_id: str = created.info.run_id
        self.artifacts = Path(tempfile.mkdtemp(prefix=".artifacts-", dir=rescue_folder))

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Write the parameters, at once."""
        self._store.client.log_batch(self.run_id, params=[Param(key, str(value)) for key, value in params.items()])

    def log_dataset(self, name: str, digest: str, source: str, profile: Mapping[str, Any]) -> None:
        """Write the data set that the run trains on."""
        entity = DatasetEntity(name, digest, source_type="local", source=source, profile=json.dumps(profile))
        tags = [InputTag("mlflow.data.context", "training")]
        self._store.client.log_inputs(self.run_id, [DatasetInput(entity, tags)])

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Take a point of every metric, measured now, to be written soon."""
        now = time.time_ns() // 1_000_000
        self._unwritten += [Metric(key, value, now, step) for key, value in metrics.items()]
        if time.monotonic() >= self._next_flush:
            self._try_flush()

    def __enter__(self) -> "Run":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        status = _status(error)
        if status == "FAILED" and error is not None:
            (self.artifacts / "traceback.txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        try:
            self._flush()
            self._store.client.log_artifacts(self.run_id, str(self.artifacts))
            self._store.client.set_terminated(self.run_id, status)
        except STORE_ERRORS as store_error:
            raise StoreError(self._rescue(status, store_error)) from store_error
        shutil.rmtree(self.artifacts)

    def _try_flush(self) -> None:
        start = time.monotonic()
        try:
            self._flush()
        except STORE_ERRORS as error:
            log.warning(
                "MLflow at %s does not answer; %d values wait. %s",
                self._store.uri,
                len(self._unwritten),
                error,
            )
        # A store that is slow, or dead, is asked less often: training never spends most of its time waiting.
        now = time.monotonic()
        self._next_flush = now + max(FLUSH_SECONDS, 10 * (now - start))

    def _flush(self) -> None:
        while batch := self._unwritten[:BATCH]:
            self._store.client.log_batch(self.run_id, metrics=batch)
            # Only now: what an interrupt leaves here is written again, and the store keeps one of each.
            del self._unwritten[: len(batch)]

    def _rescue(self, status: str, error: Exception) -> str:
        rescued = self._rescue_folder / "unwritten"
        self.artifacts.rename(rescued)
        points = [{"key": m.key, "value": m.value, "step": m.step, "timestamp": m.timestamp} for m in self._unwritten]
        (rescued / "metrics.json").write_text(json.dumps(points, indent=1), encoding="utf-8")
        return (
            f"tracking.uri={self._store.uri}: MLflow stopped answering, so run {self.run_id} could not be ended as "
            f"{status} there ({error}). What it did not take is in {rescued}"
        )


def _status(error: BaseException | None) -> str:
    if error is None:
        return "FINISHED"
    return "FAILED" if isinstance(error, Exception) else "KILLED"

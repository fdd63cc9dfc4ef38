"""The life of one MLflow run: created, fed with points, and ended as FINISHED, FAILED or KILLED; nothing is lost."""

import json
import logging
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import requests
from mlflow.entities import Dataset as DatasetEntity
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from mlplab.errors import StoreError, SweepError
from mlplab.schema import ERROR_TAG, HEARTBEAT_TAG, NOTE_TAG
from mlplab.signals import held
from mlplab.tracking.heartbeat import Heartbeat, beat
from mlplab.tracking.store import Store
from mlplab.tracking.uri import public

log = logging.getLogger(__name__)

FLUSH_SECONDS = 2.0
BATCH = 1_000  # the most metrics that MLflow takes in one call
STORE_ERRORS = (MlflowException, SQLAlchemyError, requests.RequestException, OSError)


class Run:
    """A run in the store, as a context manager: its status says how the block ended.

    Points are collected and written every FLUSH_SECONDS: writing a hundred costs as much as writing one. While the
    store does not answer they are kept, and written later. What the store has not taken at the end is saved in
    ``rescue_folder``; a StoreError then says where.

    A killed run can be entered again: what the store already has is not written twice.

    Attributes:
        run_id: MLflow's id of the run, once the context is entered.
        artifacts: a folder to write files into; at the end they are copied to the store.
    """

    run_id: str

    def __init__(
        self, store: Store, name: str, tags: Mapping[str, str], rescue_folder: Path, resumed: str | None = None
    ) -> None:
        """Prepare a new run, or continue the one whose id is ``resumed``; nothing is written before ``with``."""
        self._store, self._name, self._tags = store, name, dict(tags)
        self._rescue_folder, self._resumed = rescue_folder, resumed
        self._known_points: set[tuple[str, int]] = set()
        self._known_metrics: set[str] = set()
        self._is_described = False
        self._known_params: set[str] = set()
        self._heartbeat = Heartbeat(lambda: self._store.client.set_tag(self.run_id, HEARTBEAT_TAG, beat()))
        self._unwritten: list[Metric] = []
        self._next_flush = 0.0

    def __enter__(self) -> "Run":
        """Create the run in the store, or reopen the one to resume; it is then RUNNING.

        Raises:
            StoreError: the store did not take it.
        """
        for left_by_a_crash in self._rescue_folder.glob(".artifacts-*"):
            shutil.rmtree(left_by_a_crash, ignore_errors=True)
        self.artifacts = Path(tempfile.mkdtemp(prefix=".artifacts-", dir=self._rescue_folder))
        try:
            with held():
                if self._resumed is None:
                    self._create()
                else:
                    self._reopen(self._resumed)
                self._heartbeat.start()
        except BaseException as error:
            if hasattr(self, "run_id"):
                self.__exit__(type(error), error, error.__traceback__)
            else:
                shutil.rmtree(self.artifacts, ignore_errors=True)
            raise
        return self

    def _create(self) -> None:
        tags = {**self._tags, HEARTBEAT_TAG: beat()}
        created = self._call(self._store.client.create_run, self._store.experiment_id, run_name=self._name, tags=tags)
        self.run_id = created.info.run_id

    def _reopen(self, run_id: str) -> None:
        client = self._store.client
        tags = [RunTag(key, value) for key, value in {**self._tags, HEARTBEAT_TAG: beat()}.items()]
        self._call(client.log_batch, run_id, tags=tags)  # first the owner, then the status
        self._call(client.update_run, run_id, status="RUNNING")
        self.run_id = run_id
        before = self._call(client.get_run, run_id)
        if ERROR_TAG in before.data.tags:
            self._call(client.delete_tag, run_id, ERROR_TAG)
        self._known_params = set(before.data.params)
        self._is_described = NOTE_TAG in before.data.tags
        self._known_metrics = set(before.data.metrics)
        for key in before.data.metrics:
            history = self._call(client.get_metric_history, run_id, key)
            self._known_points |= {(key, point.step) for point in history}

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Write the parameters, at once. Raises StoreError."""
        entities = [Param(key, str(value)) for key, value in params.items() if key not in self._known_params]
        self._call(self._store.client.log_batch, self.run_id, params=entities)

    def log_dataset(
        self, name: str, digest: str, source: tuple[str, Mapping[str, Any]], profile: Mapping[str, Any]
    ) -> None:
        """Write the data set that the run trains on; ``source`` is a type of MLflow dataset source, and its fields.

        Raises StoreError.
        """
        kind, fields = source
        entity = DatasetEntity(name, digest, kind, json.dumps(fields), profile=json.dumps(profile))
        tags = [InputTag("mlflow.data.context", "training")]
        log_inputs = self._store.client.log_inputs
        try:
            self._call(log_inputs, self.run_id, [DatasetInput(entity, tags)])
        except StoreError as error:
            if "IntegrityError" not in str(error.__cause__):
                raise
            # Another process recorded the same data set at the same moment: now it exists.
            self._call(log_inputs, self.run_id, [DatasetInput(entity, tags)])

    def log_text(self, text: str, name: str) -> None:
        """Write a text artifact, at once. Raises StoreError."""
        self._call(self._store.client.log_text, self.run_id, text, name)

    def set_tag(self, key: str, value: str) -> None:
        """Write a tag, at once. Raises StoreError."""
        self._call(self._store.client.set_tag, self.run_id, key, value)

    def describe(self, text: str) -> None:
        """Write the description, in Markdown, unless there is one: people may have edited it. Raises StoreError."""
        if not self._is_described:
            self.set_tag(NOTE_TAG, text)

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Collect the values that these metrics have at ``step``; they are written soon."""
        now = time.time_ns() // 1_000_000
        self._unwritten += [
            Metric(key, value, now, step) for key, value in metrics.items() if (key, step) not in self._known_points
        ]
        if time.monotonic() >= self._next_flush:
            self._try_flush()

    def log_results(self, metrics: Mapping[str, float]) -> None:
        """Take metrics that a run has once, at its end; what it had before it was resumed stays.

        At step 0: MLflow's charts draw bars of metrics that have no other step, and dots otherwise.
        """
        self.log_metrics({key: value for key, value in metrics.items() if key not in self._known_metrics}, step=0)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the run as FINISHED, FAILED (an error) or KILLED (a signal); signals wait until it has ended.

        Raises:
            StoreError: the store did not take everything; the message names the folder with the rest.
        """
        with held():
            self._end(_status(error), error)

    def _end(self, status: str, error: BaseException | None) -> None:
        self._heartbeat.stop()
        if status == "FAILED" and not isinstance(error, SweepError):  # its message names the members and the reasons
            with suppress(OSError):  # the disk may be what failed
                text = public("".join(traceback.format_exception(error)))
                (self.artifacts / "traceback.txt").write_text(text, encoding="utf-8")
        client = self._store.client
        actions: list[Callable[[], Any]] = [
            self._flush,
            lambda: client.log_artifacts(self.run_id, str(self.artifacts)),
        ]
        if status == "FAILED":
            actions.append(lambda: client.set_tag(self.run_id, ERROR_TAG, public(str(error))[:1_000]))
        faults = [fault for fault in map(_attempt, actions) if fault is not None]
        if faults and status == "FINISHED":
            status = "FAILED"
        if ending := _attempt(lambda: client.set_terminated(self.run_id, status)):
            faults.append(ending)
        if faults:
            raise StoreError(self._rescue(faults)) from faults[0]
        shutil.rmtree(self.artifacts, ignore_errors=True)

    def _call(self, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        try:
            return function(*arguments, **keywords)
        except STORE_ERRORS as error:
            reason = str(error).split("\n", 1)[0]
            raise StoreError(
                f"tracking.uri={public(self._store.uri)}: MLflow did not take the run ({reason})"
            ) from error

    def _try_flush(self) -> None:
        start = time.monotonic()
        if fault := _attempt(self._flush):
            count, uri = len(self._unwritten), public(self._store.uri)
            log.warning("MLflow at %s does not answer; %d values wait. %s", uri, count, fault)
        # A slow or dead store is asked less often, so that training never spends most of its time waiting.
        now = time.monotonic()
        self._next_flush = now + max(FLUSH_SECONDS, 10 * (now - start))

    def _flush(self) -> None:
        while batch := self._unwritten[:BATCH]:
            self._store.client.log_batch(self.run_id, metrics=batch)
            # Deleted only now: what a signal leaves here is written again, and the store keeps one of each point.
            del self._unwritten[: len(batch)]

    def _rescue(self, faults: list[Exception]) -> str:
        """Save what the store did not take, and return the message for the user."""
        rescued = self._rescue_folder / "unwritten"
        reasons = "; ".join(str(fault).split("\n", 1)[0] for fault in faults)
        message = f"tracking.uri={public(self._store.uri)}: MLflow did not take all of run {self.run_id} ({reasons})"
        try:
            self.artifacts.rename(rescued)
            points = [
                {"key": m.key, "value": m.value, "step": m.step, "timestamp": m.timestamp} for m in self._unwritten
            ]
            (rescued / "metrics.json").write_text(json.dumps(points, indent=1), encoding="utf-8")
        except OSError as error:
            return f"{message}, and the rest could not be saved in {rescued} ({error.strerror})"
        return f"{message}. The rest is in {rescued}"


def _attempt(action: Callable[[], Any]) -> Exception | None:
    """Return the error of the store or the disk; None if there was none."""
    try:
        action()
    except STORE_ERRORS as error:
        return error
    return None


def _status(error: BaseException | None) -> str:
    if error is None:
        return "FINISHED"
    return "FAILED" if isinstance(error, Exception) else "KILLED"

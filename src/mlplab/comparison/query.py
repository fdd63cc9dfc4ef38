"""Runs out of the store, as tidy pandas frames: one row per run, one row per point."""

import io
import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np
import pandas as pd
from mlflow.entities import Run
from numpy.typing import NDArray

from mlplab.errors import StoreError
from mlplab.schema import COMMAND_TAG, CONFUSION_MATRIX
from mlplab.tracking.store import Store, sqlite_path

log = logging.getLogger(__name__)

# Defaults for params that older runs did not log, and former names of values.
DEFAULTS = {"sampling": "shuffle", "init_scale": "1.0"}
FORMER_VALUES = {"optimizer": {"gd": "sgd"}}
CHUNK = 500  # SQLite takes at most 999 values in one statement

Point = tuple[str, str, int, float, int]  # run id, key, step, value, milliseconds since 1970


def find_runs(store: Store, query: str = "") -> pd.DataFrame:
    """Return one row per training run that MLflow's filter finds, latest first.

    Columns: ``run_id``, ``name``, ``status``, ``start_time`` (UTC), and ``params.*``, ``metrics.*`` (float),
    ``tags.*`` (text) by their names in MLflow; what a run does not have is missing (NaN). A param is of whole numbers,
    numbers or truth values where all its values are, and text otherwise; None is missing.

    Raises:
        StoreError: the store does not answer, or does not understand the filter.
    """
    runs = pd.DataFrame([_row(run) for run in store.search(query) if COMMAND_TAG not in run.data.tags])
    for key, value in DEFAULTS.items():
        if f"params.{key}" in runs:
            runs[f"params.{key}"] = runs[f"params.{key}"].fillna(value)
    for key, names in FORMER_VALUES.items():
        if f"params.{key}" in runs:
            runs[f"params.{key}"] = runs[f"params.{key}"].replace(names)
    for column in runs.columns:
        if column.startswith("params."):
            runs[column] = typed_param(runs[column])
    return runs


def typed_param(texts: "pd.Series[str]") -> "pd.Series[Any]":
    """Return the values of a param, which MLflow keeps as text, in the type that all of them have.

    >>> typed_param(pd.Series(["1", "None", "3"])).dtype, typed_param(pd.Series(["0.1", "1e-05"])).tolist()
    (Int64Dtype(), [0.1, 1e-05])
    """
    values = texts.mask(texts == "None")
    known = values.dropna()
    if known.empty:
        return values
    if known.isin(["True", "False"]).all():
        return values.map({"True": True, "False": False}).astype("boolean")
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers[known.index].isna().any():
        return values
    return numbers.astype("Int64") if known.str.fullmatch(r"[+-]?\d+").all() else numbers.astype(float)


def _row(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.info.run_id,
        "name": run.info.run_name,
        "status": run.info.status,
        "start_time": pd.Timestamp(run.info.start_time, unit="ms", tz="UTC"),
        **{f"params.{key}": value for key, value in run.data.params.items()},
        **{f"metrics.{key}": value for key, value in run.data.metrics.items()},
        **{f"tags.{key}": value for key, value in run.data.tags.items() if not key.startswith("mlflow.")},
    }


def find_points(store: Store, run_ids: Sequence[str], keys: Sequence[str] = ("",)) -> pd.DataFrame:
    """Return one row per logged value of these runs: ``run_id``, ``key``, ``step``, ``value`` and ``timestamp``
    (UTC, when it was measured); in order of steps.

    Of the metrics whose names begin with one of ``keys``: by default of all.

    From a SQLite file all at once, read-only; from a server run by run, and metric by metric.
    """
    path = sqlite_path(store.uri)
    rows = None if path is None else _points_of_file(path, run_ids, keys)
    if rows is None:
        rows = _points_of_server(store, run_ids, keys)
    frame = pd.DataFrame(rows, columns=["run_id", "key", "step", "value", "timestamp"])
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], unit="ms", utc=True)
    return frame.sort_values(["run_id", "key", "step"], ignore_index=True)


def _points_of_file(path: str, run_ids: Sequence[str], keys: Sequence[str]) -> list[Point] | None:
    """Return the points from MLflow's table; None where that is not as we know it: it is private to MLflow.

    MLflow's client asks for one metric of one run at a time: 3.9 s for a thousand histories, against 0.07 s.
    """
    begins = " OR ".join(["substr(key, 1, ?) = ?"] * len(keys))
    beginnings = [value for key in keys for value in (len(key), key)]
    rows = []
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            for start in range(0, len(run_ids), CHUNK):
                chunk = run_ids[start : start + CHUNK]
                marks = ",".join("?" * len(chunk))
                statement = (  # what is put together here are question marks alone
                    "SELECT run_uuid, key, step, CASE WHEN is_nan THEN NULL ELSE value END, timestamp "
                    f"FROM metrics WHERE run_uuid IN ({marks}) AND ({begins})"
                )
                rows += connection.execute(statement, [*chunk, *beginnings]).fetchall()
    except sqlite3.Error as error:
        log.info("%s: points are read through MLflow's client, which takes longer (%s)", path, error)
        return None
    return rows


def _points_of_server(store: Store, run_ids: Sequence[str], keys: Sequence[str]) -> list[Point]:
    return [
        (run_id, point.key, point.step, point.value, point.timestamp)
        for run_id in run_ids
        for point in store.points(run_id, keys)
    ]


def find_confusions(store: Store, run_ids: Sequence[str]) -> NDArray[np.int64]:
    """Return the test set's confusion matrices, shape (runs, K, K): [run, true class, predicted class].

    Raises:
        KeyError: a run has none: it has not finished.
        StoreError: the store does not answer, or a file is damaged.
    """
    matrices = []
    for run_id in run_ids:
        text = store.read_artifacts(run_id, CONFUSION_MATRIX)[0]
        if text is None:
            raise KeyError(f"{run_id}: has no confusion matrix, since it has not finished")
        matrices.append(parse_integers(run_id, text))
    return np.array(matrices)


def parse_integers(run_id: str, text: str, header: int = 0) -> NDArray[np.int64]:
    """Return a run's artifact of whole numbers, separated by commas, as a matrix.

    Raises:
        StoreError: it is damaged.
    """
    try:
        return np.loadtxt(io.StringIO(text), dtype=np.int64, delimiter=",", skiprows=header, ndmin=2)
    except ValueError as error:
        raise StoreError(f"run {run_id}: its confusion matrix or predictions are damaged ({error})") from error

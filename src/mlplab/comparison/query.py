"""Runs out of the store, as tidy pandas frames: one row per run, one row per point."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from mlflow.entities import Run
from numpy.typing import NDArray

from mlplab.comparison.inputs import columns_of
from mlplab.config import FORMER_VALUES
from mlplab.errors import StoreError
from mlplab.network_config import MLP, OF_MLP, TARGET_KEY
from mlplab.schema import COMMAND_TAG, CONFUSION_MATRIX, PREDICTIONS, TRUE_CLASS
from mlplab.store.histories import find_histories
from mlplab.store.store import Store
from mlplab.store.texts import read_texts

# Defaults for params that older runs did not log.
DEFAULTS = {
    "sampling": "shuffle",
    "init_scale": "1.0",
    "monitor": "accuracy",
    "keep": "last",
    "early_stopping.min_delta": "0.0",
    TARGET_KEY: MLP,
}
POINT_COLUMNS = ["run_id", "key", "step", "value", "timestamp"]


def find_runs(store: Store, query: str = "") -> pd.DataFrame:
    """Return one row per training run that MLflow's filter finds, latest first.

    Columns: ``run_id``, ``name``, ``status``, ``artifact_uri``, ``start_time`` (UTC), ``class_names`` (a tuple) where
    the run's data names its classes, ``are_images`` (whether its inputs are images, and no rows of a table), and
    ``params.*``, ``metrics.*`` (float), ``tags.*`` (text) by their names in MLflow; what a run does not have is
    missing (NaN). A param is of whole numbers, numbers or truth values where all its values are, and text
    otherwise; None is missing.

    Raises:
        StoreError: the store does not answer, or does not understand the filter.
    """
    runs = pd.DataFrame([_row(run) for run in store.search(query) if COMMAND_TAG not in run.data.tags])
    for key, value in DEFAULTS.items():
        if f"params.{key}" in runs:
            runs[f"params.{key}"] = runs[f"params.{key}"].fillna(value)
    if (column := f"params.{TARGET_KEY}") in runs:
        for key in OF_MLP:  # which other networks do not have
            if f"params.{key}" in runs:
                runs[f"params.{key}"] = runs[f"params.{key}"].where(runs[column] == MLP)
    for column in runs.columns:
        # A key that may be None: runs older than the key are as if it were None.
        if column.startswith("params.") and (runs[column] == "None").any():
            runs[column] = runs[column].fillna("None")
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
    if known.str.fullmatch(r"[+-]?\d+").all():
        return _integers(values)
    numbers = pd.to_numeric(values, errors="coerce")
    return values if numbers[known.index].isna().any() else numbers.astype(float)


def _integers(texts: "pd.Series[str]") -> "pd.Series[Any]":
    """Return the numbers; the texts where 64 bits do not hold one: rounded, two seeds would become the same."""
    numbers = [None if pd.isna(text) else int(text) for text in texts]
    if any(number is not None and not -(2**63) <= number < 2**63 for number in numbers):
        return texts
    return pd.Series(pd.array(numbers, dtype="Int64"), index=texts.index, name=texts.name)


def _row(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.info.run_id,
        "name": run.info.run_name,
        "status": run.info.status,
        "artifact_uri": run.info.artifact_uri,
        "start_time": pd.Timestamp(run.info.start_time, unit="ms", tz="UTC"),
        **columns_of(run),
        **{f"params.{key}": value for key, value in run.data.params.items()},
        **{f"metrics.{key}": value for key, value in run.data.metrics.items()},
        **{f"tags.{key}": value for key, value in run.data.tags.items() if not key.startswith("mlflow.")},
    }


def find_points(
    store: Store, run_ids: Sequence[str], keys: Sequence[str] = ("",), runs: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return one row per logged value of these runs, in order of steps.

    Columns: ``run_id``, ``key``, ``step``, ``value``, and ``timestamp`` (UTC), when it was logged. Of the metrics
    whose names begin with one of ``keys``: by default of all. ``runs``: rows of :func:`find_runs` that hold these
    runs, which saves a server a question.

    Raises:
        StoreError: the store does not answer.
    """
    names = None
    if runs is not None:
        names = [name.removeprefix("metrics.") for name in runs.columns if name.startswith("metrics.")]
    frame = pd.DataFrame(find_histories(store, run_ids, keys, names), columns=POINT_COLUMNS)
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], unit="ms", utc=True)
    return frame.sort_values(["run_id", "key", "step"], ignore_index=True)


def find_predictions(store: Store, folders: Mapping[str, str]) -> dict[str, NDArray[np.int64]]:
    """Return label and prediction of every test image, shape (N, 2), of each run that has recorded them.

    Args:
        store: has the runs.
        folders: by run id, MLflow's ``artifact_uri`` of each, a column of :func:`find_runs`.

    Raises:
        StoreError: the store does not answer, or a file is damaged.
    """
    texts = read_texts(store, folders, PREDICTIONS)
    return {run_id: parse_integers(run_id, text, header=1) for run_id, text in texts.items()}


def find_confusions(store: Store, run_ids: Sequence[str]) -> NDArray[np.int64]:
    """Return the test set's confusion matrices, shape (runs, K, K): [run, true class, predicted class].

    Raises:
        KeyError: a run has none: it has not finished.
        StoreError: the store does not answer, or a file is damaged.
    """
    folders = {run.info.run_id: run.info.artifact_uri for run in store.find(run_ids)}
    texts = read_texts(store, folders, CONFUSION_MATRIX)
    for run_id in run_ids:
        if run_id not in texts:
            raise KeyError(f"{run_id}: has no confusion matrix, since it has not finished")
    return np.array([parse_confusions(run_id, texts[run_id]) for run_id in run_ids])


def parse_confusions(run_id: str, text: str) -> NDArray[np.int64]:
    """Return a run's confusion matrix, which may have the names of the classes above and to the left.

    Raises:
        StoreError: it is damaged.
    """
    if not text.startswith(TRUE_CLASS):
        return parse_integers(run_id, text)
    try:
        matrix: NDArray[np.int64] = pd.read_csv(io.StringIO(text), index_col=0).to_numpy(np.int64)
    except ValueError as error:
        raise StoreError(f"run {run_id}: its confusion matrix is damaged ({error})") from error
    return matrix


def parse_integers(run_id: str, text: str, header: int = 0) -> NDArray[np.int64]:
    """Return a run's artifact of whole numbers, separated by commas, as a matrix.

    Raises:
        StoreError: it is damaged.
    """
    try:
        return np.loadtxt(io.StringIO(text), dtype=np.int64, delimiter=",", skiprows=header, ndmin=2)
    except ValueError as error:
        raise StoreError(f"run {run_id}: its confusion matrix or predictions are damaged ({error})") from error

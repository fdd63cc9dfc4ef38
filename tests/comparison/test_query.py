"""Frames out of a store: the same from a SQLite file and through a server."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow.entities import Metric, Param

from mlplab.comparison import query
from mlplab.store import histories
from mlplab.store import store as store_module
from mlplab.store.store import Store, connect


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Store:
    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    return connect(uri, "lab")


def add(store: Store, name: str, steps: int, status: str = "FINISHED") -> str:
    created = store.client.create_run(store.experiment_id, run_name=name, tags={"sweep": "s"})
    run_id = str(created.info.run_id)
    points = [Metric(key, step / 7, 1, step) for step in range(steps) for key in ("train/loss", "test/loss")]
    store.client.log_batch(run_id, metrics=points, params=[Param("activation", name)])
    store.client.set_terminated(run_id, status)
    return run_id


def test_one_row_per_run(store: Store) -> None:
    add(store, "relu", 3)
    add(store, "tanh", 3, "KILLED")
    found = query.find_runs(store, "tags.sweep = 's'").set_index("name")
    assert found.loc["relu", "status"] == "FINISHED"
    assert found.loc["tanh", "status"] == "KILLED"
    assert found.loc["relu", "params.activation"] == "relu"
    assert found.loc["relu", "metrics.train/loss"] == pytest.approx(2 / 7)
    assert query.find_runs(store, "tags.sweep = 'other'").empty


def test_one_row_per_point_in_bulk_and_through_the_client(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [add(store, "relu", 20), add(store, "tanh", 5)]
    in_bulk = query.find_points(store, ids)
    assert len(in_bulk) == 2 * 25
    assert set(in_bulk["timestamp"]) == {pd.Timestamp(1, unit="ms", tz="UTC")}
    first = in_bulk[(in_bulk["run_id"] == ids[0]) & (in_bulk["key"] == "train/loss")]
    np.testing.assert_array_equal(first["step"], np.arange(20))
    np.testing.assert_array_equal(first["value"], np.arange(20) / 7)
    monkeypatch.setattr(histories, "sqlite_path", lambda _: None)
    assert query.find_points(store, ids).equals(in_bulk)
    assert (in_bulk["timestamp"] == pd.Timestamp(1, unit="ms", tz="UTC")).all()


def test_histories_of_more_runs_than_one_statement_takes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "CHUNK", 2)
    monkeypatch.setattr(store_module, "CHUNK", 2)
    ids = [add(store, f"run {i}", 2) for i in range(5)]
    assert len(query.find_points(store, ids)) == 5 * 2 * 2
    assert {run.info.run_id for run in store.find(ids)} == set(ids)


def test_confusion_matrices_are_one_array(store: Store) -> None:
    ids = [add(store, "relu", 1), add(store, "tanh", 1)]
    for number, run_id in enumerate(ids):
        store.client.log_text(run_id, f"{number},1\r\n2,3\r\n", "confusion_matrix.csv")
    found = query.find_confusions(store, ids)
    np.testing.assert_array_equal(found, [[[0, 1], [2, 3]], [[1, 1], [2, 3]]])
    with pytest.raises(KeyError, match="has no confusion matrix"):
        query.find_confusions(store, [add(store, "killed", 1, "KILLED")])


@pytest.mark.parametrize(
    ("texts", "values", "dtype"),
    [
        (["0", "12"], [0, 12], "Int64"),
        (["0", None], [0, pd.NA], "Int64"),
        (["0.1", "1e-05", None], [0.1, 1e-05, float("nan")], "float64"),
        (["1", "0.5"], [1.0, 0.5], "float64"),
        (["True", "False", None], [True, False, pd.NA], "boolean"),
        (["relu", "1"], ["relu", "1"], "object"),
        (["[32]", "[64,32]"], ["[32]", "[64,32]"], "object"),
        (["None", "100"], [pd.NA, 100], "Int64"),
        ([str(2**63 - 1), str(2**63 - 2), None], [2**63 - 1, 2**63 - 2, pd.NA], "Int64"),
        (["1", str(2**63), str(2**63 + 1)], ["1", str(2**63), str(2**63 + 1)], "object"),
    ],
)
def test_a_param_has_the_type_that_all_its_values_have(texts: list[str], values: list[object], dtype: str) -> None:
    typed = query.typed_param(pd.Series(texts, dtype=object))
    pd.testing.assert_series_equal(typed, pd.Series(values, dtype=dtype))


def test_params_are_typed(store: Store) -> None:
    run_id = add(store, "relu", 1)
    store.client.log_param(run_id, "learning_rate", "0.1")
    store.client.log_param(run_id, "seed", "3")
    runs = query.find_runs(store)
    assert runs["params.learning_rate"].tolist() == [0.1]
    assert runs["params.seed"].tolist() == [3]

"""What is missing of a sweep is said, by what never ran or by name."""

import shutil
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from mlplab.comparison.completeness import axes_in_part, describe_missing, jobs_of_sweep, missing_jobs
from mlplab.comparison.ranking import rank
from mlplab.comparison.tables import notes, table_cells
from mlplab.schema import COMMAND_TAG, JOB_TAG, MANIFEST, OWN_SWEEP_TAG, State
from mlplab.store.store import Store

JOBS = [
    {"number": number, "name": f"{activation} lr={rate}", "varying": {"activation": activation, "learning_rate": rate}}
    for number, (activation, rate) in enumerate(product(("tanh", "sigmoid", "relu"), ("0.1", "0.01", "0.001", "1")))
]
DONE = State.finished


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Store:
    uri = f"sqlite:///{shutil.copy(empty_store, tmp_path)}"
    client = MlflowClient(uri)
    return Store(uri, str(client.create_experiment("e", tmp_path.as_uri())), client)


@pytest.mark.parametrize(
    ("states", "text"),
    [
        (dict.fromkeys(range(12), DONE), ""),
        ({}, "0 of 12 runs have finished (12 never began)"),
        ({1: State.killed, 2: State.killed}, "0 of 12 runs have finished (2 killed, 10 never began)"),
        (dict.fromkeys(range(8), DONE), "8 of 12 runs have finished (4 never began); relu never did"),
        (
            {**dict.fromkeys(range(7), DONE), 7: State.failed, 8: State.killed},
            "7 of 12 runs have finished (1 failed, 1 killed, 3 never began); relu never did",
        ),
        (
            {**dict.fromkeys(range(12), DONE), 3: State.failed, 11: State.running},
            "10 of 12 runs have finished (1 failed, 1 running); unfinished: tanh lr=1 and relu lr=1",
        ),
        (
            {number: DONE for number in range(12) if number % 4 and number < 8},
            "6 of 12 runs have finished (6 never began); relu and lr=0.1 never did",
        ),
    ],
)  # fmt: skip
def test_what_is_missing(states: dict[int, State], text: str) -> None:
    assert describe_missing(JOBS, states) == text


@pytest.mark.parametrize("manifest", ["", '{"jobs": [', "[]", "{}", '{"jobs": [{"number": 1}]}', '{"jobs": 3}'])
def test_of_a_damaged_manifest_nothing_is_said_but_a_warning(
    manifest: str, caplog: pytest.LogCaptureFixture, store: Store
) -> None:
    tags = {OWN_SWEEP_TAG: "damaged", COMMAND_TAG: "digest"}
    own = store.client.create_run(store.experiment_id, tags=tags, run_name="sweep damaged").info.run_id
    store.client.log_text(own, manifest, MANIFEST)
    assert missing_jobs(jobs_of_sweep(store, "damaged"), pd.DataFrame()) == ""
    assert "sweep damaged: its manifest.json is damaged" in caplog.text
    store.client.delete_run(own)


def runs_of(states: dict[int, str]) -> pd.DataFrame:
    """Runs of these jobs, as they are read from a store."""
    rows = [
        {
            "run_id": str(number), "name": "net", "status": status, f"tags.{JOB_TAG}": str(number), "params.seed": 0,
            "params.activation": str(JOBS[number]["varying"]["activation"]),
            "params.learning_rate": float(JOBS[number]["varying"]["learning_rate"]), "params.epochs": 3,
            "metrics.final/test_accuracy": 0.9 if status == "FINISHED" else float("nan"),
        }
        for number, status in states.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize("states", [{0: "FINISHED"}, {0: "FINISHED", 1: "FINISHED"}, {0: "FINISHED", 4: "KILLED"}])
def test_a_table_of_a_part_of_a_sweep_has_every_swept_key(states: dict[int, str]) -> None:
    runs = runs_of(states)
    header, rows = table_cells(rank(runs, swept=axes_in_part(JOBS, runs)))
    assert header[:3] == ["", "activation", "learning_rate"]
    assert rows[0][:3] == ["best", "tanh", "0.1"]


def test_a_key_that_was_swept_in_vain_is_no_column_of_a_whole_sweep() -> None:
    runs = runs_of(dict.fromkeys(range(4), "FINISHED"))
    assert axes_in_part(JOBS[:4], runs) == []
    assert table_cells(rank(runs, swept=axes_in_part(JOBS[:4], runs)))[0][1] == "learning_rate"


def test_data_and_network_are_typed_by_other_names_than_runs_have() -> None:
    jobs = [{"number": 0, "name": "x", "varying": {"data": "csv", "network": "cnn", "network.hidden": "8"}}]
    assert axes_in_part(jobs, runs_of({})) == ["data.name", "network._target_", "network.hidden"]


def test_where_nothing_is_ranked_there_is_no_advice() -> None:
    assert notes(rank(runs_of({0: "KILLED", 1: "RUNNING"}))) == ["no run has finished: nothing to rank"]

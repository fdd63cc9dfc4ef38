"""What is missing of a sweep is said, by what never ran or by name."""

import shutil
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from mlplab.comparison.completeness import describe_missing, missing_jobs
from mlplab.schema import COMMAND_TAG, MANIFEST, OWN_SWEEP_TAG, State
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
    assert missing_jobs(store, "damaged", pd.DataFrame()) == ""
    assert "sweep damaged: its manifest.json is damaged" in caplog.text
    store.client.delete_run(own)

"""The store is created once, whatever the number of processes; one that cannot be used is named with the remedy."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mlplab.errors import StoreAwayError, StoreError
from mlplab.store.store import connect

WRITERS = """
import os, sys, traceback
from pathlib import Path
from mlplab.tracking import outbox
from mlplab.tracking.run import Run
from mlplab.store.target import Target

uri, folder = sys.argv[1], Path(sys.argv[2])
outbox._FOLDER = folder / "unsent"


def write():
    with Run(Target(uri, "lab"), "writer", {}, folder / str(os.getpid())) as run:
        for step in range(200):
            run.log_metrics({"train/loss": step / 7, "test/loss": step / 3}, step)


children = []
for _ in range(16):
    child = os.fork()  # sixteen processes that start at the same moment, since the imports are done
    if child == 0:
        try:
            write()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(1)
    children.append(child)
sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""


def uri_in(folder: Path) -> str:
    return f"sqlite:///{folder / 'mlflow.db'}"


@pytest.mark.slow
def test_sixteen_processes_that_start_at_once_on_a_store_that_does_not_exist_lose_no_point(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITERS, uri_in(tmp_path), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    client = MlflowClient(uri_in(tmp_path))
    (experiment,) = [one for one in client.search_experiments() if one.name == "lab"]
    runs = client.search_runs([experiment.experiment_id])
    assert [run.info.status for run in runs] == ["FINISHED"] * 16
    for run in runs:
        for key, divisor in {"train/loss": 7, "test/loss": 3}.items():
            history = client.get_metric_history(run.info.run_id, key)
            assert sorted((point.step, point.value) for point in history) == [
                (step, step / divisor) for step in range(200)
            ]


def test_readers_never_wait_for_a_writer(tmp_path: Path) -> None:
    connect(uri_in(tmp_path), "lab")
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("uri", ["sqlite:////proc/nowhere/mlflow.db", "carrier-pigeon://coop", "sqlite:///{text}"])
def test_an_error_names_the_unusable_store_and_the_remedy(tmp_path: Path, uri: str) -> None:
    text = tmp_path / "text"
    text.write_text("not a database, and long enough to be looked at as one " * 20)
    uri = uri.format(text=text)
    with pytest.raises(StoreError) as caught:
        connect(uri, "lab")
    assert not isinstance(caught.value, StoreAwayError)
    assert str(caught.value).startswith(f"tracking.uri={uri}: ")
    assert "MLFLOW_TRACKING_URI" in str(caught.value) or "take another file" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_store_that_does_not_answer_is_told_from_one_that_cannot_be_used() -> None:
    with pytest.raises(StoreAwayError, match=r"tracking.uri=http://127.0.0.1:9: does not answer"):
        connect("http://127.0.0.1:9", "lab")


def test_an_error_names_the_deleted_experiment_and_the_remedy(tmp_path: Path) -> None:
    store = connect(uri_in(tmp_path), "lab")
    store.client.delete_experiment(store.experiment_id)
    with pytest.raises(StoreError, match=r"tracking.experiment=lab: was deleted .*mlflow experiments restore"):
        connect(uri_in(tmp_path), "lab")


def test_a_password_in_the_uri_is_never_shown() -> None:
    with pytest.raises(StoreError) as caught:
        connect("http://anna:secret@127.0.0.1:9", "lab")
    assert "secret" not in str(caught.value)
    assert "tracking.uri=http://127.0.0.1:9" in str(caught.value)

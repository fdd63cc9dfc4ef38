"""The store is created once, whatever the number of processes, and closes runs whose process is gone."""

import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient

from mlplab.config import TrackingConfig
from mlplab.errors import StoreError
from mlplab.schema import HEARTBEAT_TAG
from mlplab.tracking.process import Process
from mlplab.tracking.store import Store, open_store

WRITERS = """
import os, sys, traceback
from pathlib import Path
from mlplab.config import TrackingConfig
from mlplab.tracking.run import Run
from mlplab.tracking.store import open_store

uri, folder = sys.argv[1], Path(sys.argv[2])


def write():
    store = open_store(TrackingConfig(uri=uri, experiment="lab", sweep=None, job=None, run_name=None))
    with Run(store, "writer", {}, folder) as run:
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


def config(folder: Path) -> TrackingConfig:
    return TrackingConfig(
        uri=f"sqlite:///{folder / 'mlflow.db'}", experiment="lab", sweep=None, job=None, run_name=None
    )


def running(store: Store, process: Process | None) -> str:
    tags = process.tags() if process else {}
    return str(store.client.create_run(store.experiment_id, tags=tags).info.run_id)


def status(store: Store, run_id: str) -> str:
    return str(store.client.get_run(run_id).info.status)


def test_sixteen_processes_that_start_at_once_on_a_store_that_does_not_exist_lose_no_point(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITERS, str(config(tmp_path).uri), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    client = MlflowClient(config(tmp_path).uri)
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
    open_store(config(tmp_path))
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_run_whose_process_vanished_is_closed_as_killed(tmp_path: Path) -> None:
    store = open_store(config(tmp_path))
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = replace(Process.current(), pid=child.pid, started=psutil.Process(child.pid).create_time())
    vanished = running(store, owner)
    open_store(config(tmp_path))
    assert status(store, vanished) == "RUNNING"
    child.communicate(b"\n")
    open_store(config(tmp_path))
    assert status(store, vanished) == "KILLED"


def test_a_later_process_with_the_same_pid_is_another(tmp_path: Path) -> None:
    store = open_store(config(tmp_path))
    run_id = running(store, replace(Process.current(), started=Process.current().started - 3_600))
    open_store(config(tmp_path))
    assert status(store, run_id) == "KILLED"


def test_runs_of_this_process_of_other_machines_and_of_unknown_origin_are_left_alone(tmp_path: Path) -> None:
    store = open_store(config(tmp_path))
    elsewhere = replace(Process.current(), host="another-machine", pid=1)
    left = [running(store, owner) for owner in (Process.current(), elsewhere, None)]
    open_store(config(tmp_path))
    assert [status(store, run_id) for run_id in left] == ["RUNNING"] * 3


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:9",
        "sqlite:////proc/nowhere/mlflow.db",
        "carrier-pigeon://coop",
        "sqlite:///{text}",
        "postgresql://127.0.0.1/x",
    ],
)
def test_an_error_names_the_unusable_store_and_the_remedy(tmp_path: Path, uri: str) -> None:
    text = tmp_path / "text"
    text.write_text("not a database, and long enough to be looked at as one " * 20)
    uri = uri.format(text=text)
    with pytest.raises(StoreError) as caught:
        open_store(replace(config(tmp_path), uri=uri))
    assert str(caught.value).startswith(f"tracking.uri={uri}: ")
    assert "MLFLOW_TRACKING_URI" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_error_names_the_deleted_experiment_and_the_remedy(tmp_path: Path) -> None:
    store = open_store(config(tmp_path))
    store.client.delete_experiment(store.experiment_id)
    with pytest.raises(StoreError, match=r"tracking.experiment=lab: was deleted .*mlflow experiments restore"):
        open_store(config(tmp_path))


def test_a_password_in_the_uri_is_never_shown(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(replace(config(tmp_path), uri="http://anna:secret@127.0.0.1:9"))
    assert "secret" not in str(caught.value)
    assert "tracking.uri=http://127.0.0.1:9" in str(caught.value)


def test_a_run_that_ends_during_the_check_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(config(tmp_path))
    run_id = running(store, replace(Process.current(), started=0.0))
    is_gone = Process.is_gone

    def ends_meanwhile(process: Process) -> bool:
        store.client.set_terminated(run_id, "FINISHED")
        return is_gone(process)

    monkeypatch.setattr(Process, "is_gone", ends_meanwhile)
    open_store(config(tmp_path))
    assert status(store, run_id) == "FINISHED"


@pytest.mark.parametrize(("age", "status"), [(60.0, "RUNNING"), (3600.0, "KILLED")])
def test_the_heartbeat_decides_for_a_run_of_another_machine(
    tmp_path: Path, empty_store: Path, age: float, status: str
) -> None:
    shutil.copy(empty_store, tmp_path)
    store = open_store(config(tmp_path))
    run_id = running(store, replace(Process.current(), host="elsewhere"))
    store.client.set_tag(run_id, HEARTBEAT_TAG, f"{time.time() - age:.0f}")
    open_store(config(tmp_path))
    assert store.client.get_run(run_id).info.status == status

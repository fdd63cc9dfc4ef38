"""``python src/migrate.py``: its messages; that a kill costs nothing; a real server as the target."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Run

from conftest import Project
from faults.servers import serving
from mlplab.app.migrate import _migrate, _only_one
from mlplab.app.passwords import hide_typed_passwords
from mlplab.errors import ClaimedError, ConfigError
from mlplab.schema import MIGRATED_FROM_TAG, MIGRATED_TAG
from mlplab.store.store import connect

RUNS, POINTS, FILES = 28, 1_200, 3


def migrate(project: Project, source: str, target: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "src/migrate.py", f"from={source}", f"to={target}"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=project.root, env=project.environment(), stdout=pipe, stderr=pipe, text=True)


def finished(project: Project, source: str, target: str) -> str:
    with migrate(project, source, target) as command:
        stdout, stderr = command.communicate(timeout=200)
    assert (command.returncode, stderr) == (0, "")
    return stdout


@pytest.fixture
def full_project(fresh_project: Project) -> Project:
    """A project with runs of 1,200 points and three artifacts each."""
    store = connect(fresh_project.uri, "mlplab")
    for number in range(RUNS):
        run_id = store.client.create_run(store.experiment_id, start_time=number, run_name=f"run {number}").info.run_id
        metrics = [Metric(f"m{step % 3}", step / 7, step, step) for step in range(POINTS)]
        store.client.log_batch(run_id, metrics=metrics[:1_000])
        store.client.log_batch(run_id, metrics=metrics[1_000:])
        for name in range(FILES):
            store.client.log_text(run_id, f"{run_id} {name}", f"text{name}.txt")
        store.client.set_terminated(run_id, "KILLED" if number % 2 else "FINISHED", 1_000 + number)
    return fresh_project


def copies(uri: str) -> list[Run]:
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("mlplab")
    return [] if experiment is None else list(client.search_runs([experiment.experiment_id], max_results=1_000))


def assert_same(project: Project, uri: str) -> None:
    """Every run is there once, with its name, status, times, points and artifacts."""
    there = {run.data.tags[MIGRATED_FROM_TAG]: run for run in copies(uri)}
    assert len(there) == len(copies(uri)) == RUNS
    for run in project.runs():
        copy = there[run.info.run_id]
        for name in ("run_name", "status", "start_time", "end_time"):
            assert getattr(copy.info, name) == getattr(run.info, name)
    client = MlflowClient(uri)
    for run in project.runs()[::9]:
        copy = there[run.info.run_id]
        for key in run.data.metrics:
            here = {(p.step, p.timestamp, p.value) for p in project.client.get_metric_history(run.info.run_id, key)}
            points = client.get_metric_history(copy.info.run_id, key)
            assert {(point.step, point.timestamp, point.value) for point in points} == here
            assert len(points) == len(here)
        assert len(client.list_artifacts(copy.info.run_id)) == FILES
        text = Path(client.download_artifacts(copy.info.run_id, "text1.txt")).read_text()
        assert text == f"{copy.info.run_id} 1"


def kill_when(project: Project, target: str, whole: int) -> None:
    """Start a migration, and kill it as soon as so many runs are there whole."""
    with migrate(project, project.uri, target) as command:
        deadline = time.monotonic() + 150
        while sum(MIGRATED_TAG in run.data.tags for run in copies(target)) < whole:
            assert command.poll() is None, command.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        command.send_signal(signal.SIGKILL)


@pytest.mark.slow
def test_a_migration_that_is_killed_goes_on_and_nothing_is_there_twice(full_project: Project, tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path / 'target' / 'mlflow.db'}"
    (tmp_path / "target").mkdir()
    connect(target, "mlplab")
    kill_when(full_project, target, 1)
    kill_when(full_project, target, 20)
    assert 20 <= len(copies(target)) <= RUNS
    said = finished(full_project, full_project.uri, target)
    found = re.search(
        r": (\d+) runs?, ([\d,]+) points, (\d+) artifacts copied and verified; (\d+) runs? there before", said
    )
    assert found is not None, said
    copied, before = int(found[1]), int(found[4])
    assert copied + before == RUNS
    assert before >= 20
    assert (found[2], int(found[3])) == (f"{copied * POINTS:,}", copied * FILES)
    assert_same(full_project, target)


@pytest.mark.slow
def test_a_store_moves_to_a_server_and_back(full_project: Project, tmp_path: Path) -> None:
    place = tmp_path / "server"
    place.mkdir()
    with serving(place, f"sqlite:///{place / 'server.db'}") as server:
        kill_when(full_project, server.uri, 20)
        said = finished(full_project, full_project.uri, server.uri)
        assert "copied and verified" in said
        assert_same(full_project, server.uri)
        again = finished(full_project, full_project.uri, server.uri)
        assert again.endswith(
            f"{server.uri}: 0 runs, 0 points, 0 artifacts copied and verified; {RUNS} runs there before\n"
        )
        back = f"sqlite:///{tmp_path / 'back' / 'mlflow.db'}"
        (tmp_path / "back").mkdir()
        assert f"{RUNS} runs, {RUNS * POINTS:,} points" in finished(full_project, server.uri, back)
        of_server = {run.info.run_id for run in copies(server.uri)}
        assert {run.data.tags[MIGRATED_FROM_TAG] for run in copies(back)} == of_server


@pytest.mark.slow
def test_a_run_that_is_being_written_is_an_error_at_the_end(fresh_project: Project, tmp_path: Path) -> None:
    store = connect(fresh_project.uri, "mlplab")
    run_id = store.client.create_run(store.experiment_id).info.run_id
    target = f"sqlite:///{tmp_path / 'target.db'}"
    with migrate(fresh_project, fresh_project.uri, target) as command:
        _, stderr = command.communicate(timeout=200)
    assert command.returncode == 1
    assert stderr == f"ERROR: to={target}: 1 run is still being written: {run_id}. Repeat the same command\n"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "from=: is missing"),
        ("from=sqlite:///a.db", "to=: is missing"),
        ("from=sqlite:///a.db to=sqlite:///a.db", "to=sqlite:///"),
        (
            "from=sqlite:///a.db too=sqlite:///b.db",
            "too=sqlite:///b.db: is no key=value of this command; did you mean to?",
        ),
        ("--from=sqlite:///a.db", "--from=sqlite:///a.db: keys are no flags"),
        ("from=sqlite:///a.db to=", "to=: is no key=value"),
        ("from=a.db to=http://lab:5000", "tracking.uri=a.db"),
        ("from=http://u:secret@a:1 to=http://b:2", "from=, to=: MLflow's client would send the password"),
    ],
)
def test_a_mistake_is_one_message(typed: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        _migrate(typed.split(), typed.split())
    assert str(raised.value).startswith(message)


def test_a_typed_password_is_taken_out_and_still_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(sys, "argv", ["migrate.py", "from=sqlite:///a.db", "to=http://anna:secret-1@lab:5000"])
    hide_typed_passwords()
    assert sys.argv == ["migrate.py", "from=sqlite:///a.db", "to=http://lab:5000"]
    assert (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"]) == ("anna", "secret-1")


def test_the_same_is_not_copied_by_two_at_once() -> None:
    with _only_one("here", "there"):
        with _only_one("here", "elsewhere"):
            pass
        with pytest.raises(ClaimedError, match="another process copies the same"), _only_one("here", "there"):
            pass

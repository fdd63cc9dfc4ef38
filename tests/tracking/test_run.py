"""A run is recorded as it ended, and no measurement is lost."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from mlplab import signals
from mlplab.config import TrackingConfig
from mlplab.errors import DivergedError, StoreError
from mlplab.tracking import run as run_module
from mlplab.tracking.run import Run
from mlplab.tracking.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Store:
    shutil.copy(empty_store, tmp_path)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    return open_store(TrackingConfig(uri=uri, experiment="lab", sweep=None, job=None, run_name=None))


def history(store: Store, run_id: str, key: str) -> list[tuple[int, float]]:
    return sorted((point.step, point.value) for point in store.client.get_metric_history(run_id, key))


def artifacts(store: Store, run_id: str) -> set[str]:
    return {artifact.path for artifact in store.client.list_artifacts(run_id)}


def test_a_run_that_ends_is_finished_with_every_point_and_artifact(store: Store, tmp_path: Path) -> None:
    with Run(store, "name", {"sweep": "s"}, tmp_path) as run:
        run.log_params({"learning_rate": 0.1})
        (run.artifacts / "note.txt").write_text("hello")
        for step in range(2_500):
            run.log_metrics({"train/loss": 1 / (step + 1)}, step)
    recorded = store.client.get_run(run.run_id)
    assert (recorded.info.status, recorded.info.run_name) == ("FINISHED", "name")
    assert (recorded.data.tags["sweep"], recorded.data.params["learning_rate"]) == ("s", "0.1")
    assert history(store, run.run_id, "train/loss") == [(step, 1 / (step + 1)) for step in range(2_500)]
    assert artifacts(store, run.run_id) == {"note.txt"}
    assert not run.artifacts.exists()


def test_an_error_ends_failed_with_its_traceback_and_all_points(store: Store, tmp_path: Path) -> None:
    with pytest.raises(DivergedError), Run(store, "name", {}, tmp_path) as run:
        run.log_metrics({"train/loss": 2.0}, 200)
        run.log_metrics({"train/loss": 9.0}, 400)
        raise DivergedError("too far")
    assert store.client.get_run(run.run_id).info.status == "FAILED"
    assert history(store, run.run_id, "train/loss") == [(200, 2.0), (400, 9.0)]
    path = store.client.download_artifacts(run.run_id, "traceback.txt", str(tmp_path))
    assert "DivergedError: too far" in Path(path).read_text()


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_ends_killed_with_all_points(
    store: Store, tmp_path: Path, interrupt: type[BaseException]
) -> None:
    with pytest.raises(interrupt), Run(store, "name", {}, tmp_path) as run:
        run.log_metrics({"train/loss": 2.0}, 200)
        run.log_metrics({"train/loss": 1.0}, 400)
        raise interrupt
    assert store.client.get_run(run.run_id).info.status == "KILLED"
    assert history(store, run.run_id, "train/loss") == [(200, 2.0), (400, 1.0)]


def test_results_are_at_step_0_and_once_even_where_older_code_had_them_at_the_last_step(
    store: Store, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt), Run(store, "name", {}, tmp_path) as run:
        run.log_metrics({"final/test_loss": 0.5}, 400)  # as older code did
        run.log_results({"final/test_accuracy": 0.9})
        raise KeyboardInterrupt
    with Run(store, "name", {}, tmp_path, resumed=run.run_id) as run:
        run.log_results({"final/test_loss": 0.5, "final/test_accuracy": 0.9, "time/total_seconds": 3.0})
    assert history(store, run.run_id, "final/test_loss") == [(400, 0.5)]
    assert history(store, run.run_id, "final/test_accuracy") == [(0, 0.9)]
    assert history(store, run.run_id, "time/total_seconds") == [(0, 3.0)]


def test_points_are_visible_during_the_run(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "FLUSH_SECONDS", 0.05)
    with Run(store, "name", {}, tmp_path) as run:
        run.log_metrics({"train/loss": 2.0}, 200)
        time.sleep(0.3)
        run.log_metrics({"train/loss": 1.0}, 400)
        deadline = time.monotonic() + 10
        while len(seen := history(store, run.run_id, "train/loss")) < 2 and time.monotonic() < deadline:
            time.sleep(0.3)
            run.log_metrics({"test/loss": 1.0}, 400)
    assert seen == [(200, 2.0), (400, 1.0)]


def test_a_write_interrupted_after_it_reached_the_store_duplicates_no_point(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = store.client.log_batch

    def write_then_interrupt(*arguments: object, **keywords: object) -> None:
        write(*arguments, **keywords)  # type: ignore[arg-type]
        monkeypatch.setattr(store.client, "log_batch", write)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Run(store, "name", {}, tmp_path) as run:
        monkeypatch.setattr(store.client, "log_batch", write_then_interrupt)
        run.log_metrics({"train/loss": 2.0}, 200)
    assert history(store, run.run_id, "train/loss") == [(200, 2.0)]


def test_a_store_that_fails_for_a_while_gets_everything_later(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MlflowException("gone for lunch")

    with Run(store, "name", {}, tmp_path) as run:
        with monkeypatch.context() as patch:
            patch.setattr(store.client, "log_batch", fail)
            run.log_metrics({"train/loss": 2.0}, 200)
        run.log_metrics({"train/loss": 1.0}, 400)
    assert "1 values wait" in caplog.text
    assert history(store, run.run_id, "train/loss") == [(200, 2.0), (400, 1.0)]


def test_artifacts_that_cannot_be_stored_fail_the_run_with_the_reason_and_are_kept(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "mlruns").write_text("in the way")
    with pytest.raises(StoreError) as caught, Run(store, "name", {}, tmp_path) as run:
        run.log_metrics({"train/loss": 2.0}, 200)
        (run.artifacts / "note.txt").write_text("hello")
    assert store.client.get_run(run.run_id).info.status == "FAILED"
    assert history(store, run.run_id, "train/loss") == [(200, 2.0)]
    assert "mlruns" in str(caught.value)
    assert (tmp_path / "unwritten" / "note.txt").read_text() == "hello"


def test_a_deleted_artifact_folder_does_not_keep_the_run_open(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a bug"), Run(store, "name", {}, tmp_path) as run:
        shutil.rmtree(run.artifacts)
        raise ValueError("a bug")
    assert store.client.get_run(run.run_id).info.status == "FAILED"


@pytest.fixture
def handled() -> Iterator[None]:
    """Signals are handled as in a command."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    hook = sys.unraisablehook
    signals.install()
    yield
    signals.uninstall()
    sys.unraisablehook = hook
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handled")
def test_a_signal_waits_while_the_run_ends(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = store.client.log_artifacts

    def upload_and_be_stopped(*arguments: str) -> None:
        signal.raise_signal(signal.SIGTERM)
        upload(*arguments)

    with pytest.raises(signals.Stopped), Run(store, "name", {}, tmp_path) as run:
        (run.artifacts / "note.txt").write_text("hello")
        monkeypatch.setattr(store.client, "log_artifacts", upload_and_be_stopped)
    assert store.client.get_run(run.run_id).info.status == "FINISHED"
    assert artifacts(store, run.run_id) == {"note.txt"}


@pytest.mark.usefixtures("handled")
def test_a_signal_while_the_run_is_created_ends_it_killed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = store.client.create_run
    created = []

    def create_and_be_stopped(*arguments: object, **keywords: object) -> object:
        created.append(create(*arguments, **keywords))  # type: ignore[arg-type]
        signal.raise_signal(signal.SIGTERM)
        return created[0]

    monkeypatch.setattr(store.client, "create_run", create_and_be_stopped)
    with pytest.raises(signals.Stopped), Run(store, "name", {}, tmp_path):
        pytest.fail("the body must not begin")
    assert store.client.get_run(created[0].info.run_id).info.status == "KILLED"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A real MLflow server on this machine."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    folder = tmp_path / "server"
    folder.mkdir()
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    uri = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{uri}/health", timeout=1).close()
            break
        except OSError:
            time.sleep(0.5)
    yield uri, process
    stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, 9)
        process.wait()


def test_what_a_dead_server_did_not_take_is_saved_in_a_folder(
    server: tuple[str, subprocess.Popen[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, process = server
    remote = open_store(TrackingConfig(uri=uri, experiment="lab", sweep=None, job=None, run_name=None))
    monkeypatch.setattr(run_module, "FLUSH_SECONDS", 0.0)
    with pytest.raises(StoreError) as caught, Run(remote, "name", {}, tmp_path) as run:
        run.log_metrics({"train/loss": 2.0}, 200)
        assert history(remote, run.run_id, "train/loss") == [(200, 2.0)]
        stop(process)
        run.log_metrics({"train/loss": 1.0}, 400)
        (run.artifacts / "note.txt").write_text("hello")
    rescued = tmp_path / "unwritten"
    assert str(rescued) in str(caught.value)
    assert run.run_id in str(caught.value)
    points = json.loads((rescued / "metrics.json").read_text())
    assert [(point["key"], point["step"], point["value"]) for point in points] == [("train/loss", 400, 1.0)]
    assert (rescued / "note.txt").read_text() == "hello"

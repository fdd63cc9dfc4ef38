"""Stores for the tests of tracking: an empty SQLite file, and a real server that can be killed and come back."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlplab.paths import PROJECT_ROOT
from mlplab.store.store import Store
from mlplab.store.target import Target
from mlplab.tracking import outbox


class Server:
    """A real MLflow server on this machine; its address stays the same when it comes back."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        self.folder, self.uri = folder, f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port),
            "--workers", "1",
            "--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db",
            "--artifacts-destination", str(self.folder / "artifacts"),
        ]  # fmt: skip
        nothing = subprocess.DEVNULL
        self.process = subprocess.Popen(
            command, cwd=self.folder, stdout=nothing, stderr=nothing, start_new_session=True
        )
        deadline = time.monotonic() + 100
        while not self._answers():
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.25)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.uri}/health", timeout=1).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
            self.process.wait()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(empty_store, folder)
    server = Server(folder)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    """The server, up when the test begins; the test may kill it."""
    yield shared_server
    if shared_server.process.poll() is not None:
        shared_server.start()


@pytest.fixture
def remote(server: Server, tmp_path: Path) -> Target:
    return Target(server.uri, tmp_path.name)


@pytest.fixture
def target(tmp_path: Path, empty_store: Path) -> Target:
    shutil.copy(empty_store, tmp_path)
    return Target(f"sqlite:///{tmp_path / 'mlflow.db'}", "lab")


@pytest.fixture
def store(target: Target) -> Store:
    return target.connect()


@pytest.fixture(autouse=True)
def own_outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An outbox of the test's own: the project's belongs to the user."""
    monkeypatch.setattr(outbox, "_FOLDER", tmp_path / "unsent")
    assert PROJECT_ROOT not in tmp_path.parents
    return tmp_path / "unsent"


def history(store: Store, run_id: str | None, key: str) -> list[tuple[int, float]]:
    return sorted((point.step, point.value) for point in store.client.get_metric_history(str(run_id), key))


def artifacts(store: Store, run_id: str | None) -> set[str]:
    return {artifact.path for artifact in store.client.list_artifacts(str(run_id))}

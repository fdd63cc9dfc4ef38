"""``python src/server.py``: a real PostgreSQL and a real MLflow server, which end together and begin again."""

import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient

from conftest import Project, copy_project
from mlplab.app import postgresql, server
from mlplab.errors import StoreError, UserError

needs_postgresql = pytest.mark.skipif(
    postgresql.find_programs() is None, reason="PostgreSQL is not on this machine (Debian: apt install postgresql)"
)


@pytest.fixture
def open_project() -> Iterator[Project]:
    """A copy of the project where every user may enter: as root, PostgreSQL runs as another one."""
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    yield copy_project(root)
    shutil.rmtree(root)


def start(project: Project) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "src/server.py"],
        cwd=project.root,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def address_of(command: "subprocess.Popen[str]") -> str:
    assert command.stdout is not None
    line = command.stdout.readline()
    assert line, command.communicate()
    (address,) = re.findall(r"^all runs: +(http://127\.0\.0\.1:\d+) ", line)
    assert command.stdout.readline().endswith(f" tracking=server tracking.uri={address}\n")
    return str(address)


def processes(project: Project) -> list[psutil.Process]:
    """Every process of PostgreSQL's or MLflow's that serves this project."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if any(str(project.root / "server") in text for text in process.info["cmdline"] or [])
    ]


@pytest.mark.slow
@needs_postgresql
def test_runs_and_artifacts_outlive_the_server_which_ends_whole(open_project: Project) -> None:
    with start(open_project) as command:
        address = address_of(command)
        again = start(open_project)
        assert again.communicate(timeout=60) == (f"served already: {address}\n", "")
        client = MlflowClient(address)
        run_id = client.create_run("0", run_name="kept").info.run_id
        client.log_text(run_id, "artifact", "note.txt")
        assert processes(open_project)
        command.send_signal(signal.SIGINT)
        _, stderr = command.communicate(timeout=60)
    assert (command.returncode, stderr) == (130, "")
    assert not processes(open_project)

    with start(open_project) as command:
        address_of(command)
        command.kill()  # PostgreSQL and MLflow's server live on
    left = processes(open_project)
    assert left
    with start(open_project) as command:
        address = address_of(command)
        _, alive = psutil.wait_procs(left, timeout=20)
        assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
        client = MlflowClient(address)
        assert client.get_run(run_id).info.run_name == "kept"
        assert Path(client.download_artifacts(run_id, "note.txt")).read_text() == "artifact"
        assert urllib.request.urlopen(f"{address}/health").read() == b"OK"
        command.send_signal(signal.SIGTERM)
        _, stderr = command.communicate(timeout=60)
    assert (command.returncode, stderr) == (143, "")
    assert not processes(open_project)


def test_a_missing_postgresql_is_one_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(postgresql, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    message = r"^PostgreSQL is not on this machine; install it \(Debian: apt install postgresql"
    with pytest.raises(StoreError, match=message), postgresql.running(tmp_path / "postgresql"):
        pass


def test_data_of_another_version_are_not_opened_with_this_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for version in ("9.6", "15", "17"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "pg_ctl").touch()
    monkeypatch.setattr(postgresql, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert postgresql.find_programs() == tmp_path / "17" / "bin"
    assert postgresql.find_programs("15") == tmp_path / "15" / "bin"
    assert postgresql.find_programs("16") is None


def test_what_is_typed_is_refused_and_a_missing_driver_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="port=1: takes no options"):
        server._serve_team(["port=1"])
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    monkeypatch.setattr(server.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(StoreError, match=r"pip install '\.\[server\]'"):
        server._serve_team([])

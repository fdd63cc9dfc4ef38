"""A password is in nothing that a run leaves, here or on the server: every file is searched."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from conftest import Project
from mlplab.app.passwords import hide_typed_passwords

FAST = ["data=digits", "hidden_sizes=[8]", "learning_rate=0.1", "log_every=20", "epochs=1", "batch_size=50"]
SECRET = "s3cret-of-anna"


@dataclass
class Server:
    """A server that asks for no password, and takes any."""

    address: str
    folder: Path

    @property
    def uri(self) -> str:
        return f"http://anna:{SECRET}@{self.address}"

    def runs(self) -> list[Run]:
        client = MlflowClient(f"http://{self.address}")
        return list(client.search_runs([each.experiment_id for each in client.search_experiments()]))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(empty_store, folder / "mlflow.db")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination", str(folder / "artifacts"), "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    with (folder / "log.txt").open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    for _ in range(240):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
            break
        except OSError:
            time.sleep(0.5)
    yield Server(f"127.0.0.1:{port}", folder)
    os.killpg(process.pid, 9)
    process.wait()


@pytest.fixture
def checkout(fresh_project: Project) -> Project:
    """A project that is a checkout, so that what differs from its commit is recorded too."""
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "start"]):
        subprocess.run(["git", *command], cwd=fresh_project.root, check=True)
    return fresh_project


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        (["-m", "tracking.uri='http://anna:pw@lab'", "seed=1,2"], ["-m", "tracking.uri='http://lab'", "seed=1,2"]),
        (["++tracking.uri=http://anna:pw@lab"], ["++tracking.uri=http://lab"]),
        (["uri=postgresql://anna:pw@lab/mlflow"], ["uri=postgresql://lab/mlflow"]),
        (["tracking.uri=null", "data.root=http://a:b@c"], ["tracking.uri=null", "data.root=http://a:b@c"]),
    ],
)
def test_what_is_typed_loses_its_password_alone(
    monkeypatch: pytest.MonkeyPatch, typed: list[str], left: list[str]
) -> None:
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLPLAB_DATABASE_URI"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://eve:other@elsewhere")
    monkeypatch.setattr(sys, "argv", ["train.py", *typed])
    hide_typed_passwords()
    assert sys.argv == ["train.py", *left]
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://elsewhere"
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] in ("pw", "")  # not the password of another server


def files_that_show(secret: str, *folders: Path) -> list[str]:
    """Return the files below these folders that hold the text; conf/, where a user may have written it, apart."""
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    assert len(files) > 20
    return [str(file) for file in files if secret.encode() in file.read_bytes()]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        ([f"tracking.uri=http://anna:{SECRET}@ADDRESS"], {}),
        ([], {"MLFLOW_TRACKING_URI": f"http://anna:{SECRET}@ADDRESS"}),
        (["tracking.uri=${oc.env:MINE}"], {"MINE": f"http://anna:{SECRET}@ADDRESS"}),
    ],
)
def test_a_password_of_the_server_is_nowhere_in_what_runs_leave(
    checkout: Project, server: Server, arguments: list[str], variables: dict[str, str]
) -> None:
    arguments = [text.replace("ADDRESS", server.address) for text in arguments]
    variables = {key: text.replace("ADDRESS", server.address) for key, text in variables.items()}
    before = len(server.runs())
    single = checkout.train(*FAST, *arguments, **variables)
    failing = checkout.train(
        *FAST, "hidden_sizes=[8,8]", "learning_rate=1e9", "weight_decay=1", *arguments, **variables
    )
    sweep = checkout.train(
        "-m", *FAST, "activation=relu,tanh", "batch_size=50,100000", "hydra/launcher=joblib", *arguments, **variables
    )
    assert (single.returncode, failing.returncode, sweep.returncode) == (0, 1, 1), single.stderr + sweep.stderr
    assert len(server.runs()) - before == 5
    assert list(checkout.root.glob("outputs/*/*/.hydra/config.yaml"))
    assert list(checkout.root.glob("multirun/*/*/*/.hydra/config.yaml"))
    for done in (single, failing, sweep):
        assert SECRET not in done.stdout + done.stderr
    assert files_that_show(SECRET, checkout.root, server.folder) == []


def test_a_password_written_into_conf_stays_there(checkout: Project, server: Server) -> None:
    conf = checkout.root / "conf" / "tracking" / "local.yaml"
    conf.write_text(f"uri: {server.uri}\n")
    before = len(server.runs())
    single = checkout.train(*FAST)
    sweep = checkout.train("-m", *FAST, "activation=relu,tanh")
    assert (single.returncode, sweep.returncode) == (0, 0), single.stderr + sweep.stderr
    assert len(server.runs()) - before == 4
    diffs = list(server.folder.rglob("git.diff"))
    assert any(f"+uri: http://{server.address}" in diff.read_text() for diff in diffs)
    assert files_that_show(SECRET, checkout.root, server.folder) == [str(conf)]


def test_a_server_that_is_not_there_is_named_without_the_password(fresh_project: Project) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        done = fresh_project.train(*FAST, f"tracking.uri=http://anna:{SECRET}@{address}")
        compared = subprocess.run(
            [sys.executable, "src/compare.py", f"uri=http://anna:{SECRET}@{address}"],
            cwd=fresh_project.root, env=fresh_project.environment(), capture_output=True, text=True,
        )  # fmt: skip
    assert (done.returncode, compared.returncode) == (0, 0)
    assert re.search(rf"^WARNING: http://{address} does not answer", done.stderr, re.M)
    assert re.search(rf"^tracking.uri=http://{address}: does not answer", compared.stderr, re.M)
    assert SECRET not in done.stdout + done.stderr + compared.stdout + compared.stderr
    assert files_that_show(SECRET, fresh_project.root) == []

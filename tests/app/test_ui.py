"""``python src/ui.py``: MLflow's page of the project's own store, and links that lead to it."""

import re
import signal
import subprocess
import sys
import urllib.request

import psutil
import pytest

from conftest import Project, await_health
from mlplab.app.ui import _serve
from mlplab.errors import UserError
from mlplab.store.links import Links

pytestmark = pytest.mark.slow  # real processes, ended in every way: `make test-slow`


def serve(project: Project) -> "subprocess.Popen[str]":
    command = [sys.executable, "src/ui.py"]
    return subprocess.Popen(
        command, cwd=project.root, env=project.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_the_page_is_served_on_a_free_port_which_links_carry_until_it_ends(project: Project) -> None:
    links = Links(project.uri, "1")
    assert not links.is_served
    with serve(project) as server:
        assert server.stdout is not None
        (address,) = re.findall(r"^all runs: (http://127.0.0.1:\d+) ", server.stdout.readline())
        await_health(address)
        assert links.run_page("r").startswith(f"{address}/#/experiments/1/runs/r?")
        assert links.is_served
        assert b"MLflow" in urllib.request.urlopen(address).read()
        again = serve(project)
        assert again.communicate(timeout=60) == (f"served already: {address}\n", "")
        assert again.returncode == 0
        family = psutil.Process(server.pid).children(recursive=True)
        server.send_signal(signal.SIGINT)
        _, stderr = server.communicate(timeout=60)
    assert server.returncode == 130, stderr
    assert "Traceback" not in stderr, stderr
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive
    assert not links.is_served


@pytest.mark.parametrize(
    ("uri", "arguments", "message"),
    [
        ("", ["port=8000"], "port=8000: takes no options"),
        ("http://anna:secret@lab:5000", [], "MLFLOW_TRACKING_URI=http://lab:5000: is no file to serve"),
        ("sqlite:///nowhere.db", [], "tracking.uri=sqlite:///nowhere.db: no run is there yet"),
    ],
)
def test_what_cannot_be_served_is_one_message(
    monkeypatch: pytest.MonkeyPatch, uri: str, arguments: list[str], message: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(UserError) as raised:
        _serve(arguments)
    assert str(raised.value).startswith(message)

"""A watched sweep on a real server: what it asks for, and what it shows while the server is away."""

import json
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from mlflow.entities import Metric

from conftest import await_health, free_port
from mlplab.comparison.progress import WatchedSweep
from mlplab.page import watch_server
from mlplab.page.watch_server import Latest, WatchServer
from mlplab.schema import COMMAND_TAG, JOB_TAG, MANIFEST, OWN_SWEEP_TAG, RESULT, SWEEP_TAG
from mlplab.store.store import Store, connect

pytestmark = pytest.mark.slow  # real processes, ended in every way: `make test-slow`

RUNS = 12
CURVES = ("train/loss", "test/loss", "test/accuracy")


@dataclass
class Tracking:
    """A server of MLflow's that can go away and come back."""

    folder: Path
    port: int

    def __post_init__(self) -> None:
        self.start()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [
            sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{self.folder / 'mlflow.db'}",
            "--artifacts-destination", str(self.folder / "artifacts"), "--port", str(self.port), "--workers", "1",
        ]  # fmt: skip
        self.server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        await_health(self.uri)

    def stop(self) -> None:
        self.server.terminate()
        self.server.wait()

    def store(self, experiment: str) -> Store:
        return connect(self.uri, experiment)


@pytest.fixture
def requested(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """A function that returns how many requests were sent since it was called last."""
    sent: list[object] = []
    original = requests.Session.send

    def counting(self: requests.Session, request: requests.PreparedRequest, **options: object) -> requests.Response:
        sent.append(request.url)
        return original(self, request, **options)  # type: ignore[arg-type]

    def since() -> int:
        count = len(sent)
        sent.clear()
        return count

    monkeypatch.setattr(requests.Session, "send", counting)
    return since


def begin_sweep(store: Store) -> tuple[str, list[str]]:
    """A sweep of twelve jobs, of which all run; return its own run, and theirs."""
    values = [{"learning_rate": str(number // 2), "seed": str(number % 2)} for number in range(RUNS)]
    jobs = [
        {"number": number, "name": f"job {number}", "varying": varying, "config": varying}
        for number, varying in enumerate(values)
    ]
    own = store.client.create_run(store.experiment_id, tags={OWN_SWEEP_TAG: "S", COMMAND_TAG: "x"}).info.run_id
    store.client.log_text(own, json.dumps({"jobs": jobs}), MANIFEST)
    members = []
    for number in range(RUNS):
        tags = {SWEEP_TAG: "S", JOB_TAG: str(number)}
        members.append(store.client.create_run(store.experiment_id, tags=tags).info.run_id)
        log_point(store, members[-1], 1)
    return own, members


def log_point(store: Store, run_id: str, step: int) -> None:
    store.client.log_batch(run_id, metrics=[Metric(key, 1 / step, step, step) for key in CURVES])


@pytest.fixture(scope="module")
def tracking(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Tracking]:
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(empty_store, folder)
    tracking = Tracking(folder, free_port())
    yield tracking
    tracking.stop()


def test_a_look_costs_few_requests_however_many_runs_there_are(
    tracking: Tracking, requested: Callable[[], int]
) -> None:
    store = tracking.store("counted")
    own, members = begin_sweep(store)
    watched = WatchedSweep(store, None)
    watched.read()
    requested()

    for run_id in members:
        log_point(store, run_id, 2)
    requested()
    progress = watched.read()
    assert len(progress.points) == RUNS * 2 * len(CURVES)
    # The sweep, runs that may have vanished, its runs, which metrics they have, and a request for each of those.
    assert requested() == 4 + len(CURVES)

    for run_id in members[1:]:
        store.client.set_terminated(run_id)
    watched.read()
    requested()
    log_point(store, members[0], 3)
    requested()
    progress = watched.read()
    assert len(progress.points) == RUNS * 2 * len(CURVES) + len(CURVES)
    assert requested() == 4 + len(CURVES)  # of the one that runs; the others are known

    store.client.set_terminated(members[0])
    store.client.log_text(own, "[]", RESULT)
    store.client.set_terminated(own)
    watched.read()
    requested()
    assert watched.read().counts == {"finished": RUNS}
    assert requested() == 2  # the sweep and its runs: it may be resumed

    latest = Latest(watched)
    requested()
    for _ in range(5):
        latest.get()
    assert requested() == 0  # what was asked just now is shown to all who look


@contextmanager
def serving(store: Store) -> Iterator[str]:
    with WatchServer(store, Latest(WatchedSweep(store, "S")), 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.address
        finally:
            server.shutdown()
            thread.join()


def test_a_store_that_is_away_for_a_while_is_waited_for(tracking: Tracking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_server, "PAUSE", 0.0)
    store = tracking.store("away")
    begin_sweep(store)
    with serving(store) as address:

        def page() -> str:
            return str(urllib.request.urlopen(f"{address}now", timeout=100).read().decode())

        assert f"running: {RUNS} running" in page()
        tracking.stop()
        away = page()
        assert f"tracking.uri={tracking.uri}: does not answer" in away
        assert f"running: {RUNS} running" in away  # as it was before
        tracking.start()
        assert "does not answer" not in page()

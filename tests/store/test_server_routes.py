"""A real server, asked in bulk: the same as its client gives, in a request per metric and one per file."""

import json
import math
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from mlplab.comparison.sweep_end import compare_sweep
from mlplab.errors import StoreError
from mlplab.page.comparison_page import render_page
from mlplab.schema import (
    COMMAND_TAG,
    DATA_TAG,
    FINGERPRINT_TAG,
    JOB_TAG,
    MANIFEST,
    OWN_SWEEP_TAG,
    PREDICTIONS,
    SWEEP_TAG,
)
from mlplab.store import server_routes
from mlplab.store.histories import find_histories
from mlplab.store.server_routes import Point, UnexpectedAnswerError, get_artifact, get_history_bulk
from mlplab.store.snapshot import Snapshot
from mlplab.store.store import Store, connect, find_store
from mlplab.store.texts import read_texts

pytestmark = pytest.mark.slow

RUNS = 3


@dataclass
class Lab:
    """A server with some runs.

    Attributes:
        folders: MLflow's artifact_uri by run id.
        log: of the server: a line per request.
    """

    store: Store
    folders: dict[str, str]
    log: Path

    @property
    def run_ids(self) -> list[str]:
        return list(self.folders)

    @contextmanager
    def counted(self, requests: int) -> Iterator[None]:
        """Fail unless the server has got so many requests inside."""
        before = self._requests()
        yield
        deadline = time.monotonic() + 2  # the log may lag behind
        while len(self._requests()) - len(before) < requests and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(self._requests()) - len(before) == requests, self._requests()[len(before) :]

    def _requests(self) -> list[str]:
        return re.findall(r'"(?:GET|POST|PUT) [^"]*" \d+', self.log.read_text())


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(empty_store, folder / "mlflow.db")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    uri, log = f"http://127.0.0.1:{port}", folder / "log.txt"
    command = [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination", str(folder / "artifacts"), "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    with log.open("w") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{uri}/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        store = connect(uri, "lab")
        yield Lab(store, dict(recorded(store, number) for number in range(RUNS)), log)
    finally:
        server.terminate()
        server.wait()


def recorded(store: Store, number: int) -> tuple[str, str]:
    info = store.client.create_run(store.experiment_id).info
    points = [Metric(key, number + step / 7, 1_000 + step, step) for step in range(4) for key in ("train/loss", "x y")]
    points += [Metric("train/loss", math.nan, 2_000, 9), Metric(f"own/{number}", 1.0, 1, 0)]
    store.client.log_batch(info.run_id, metrics=points)
    if number:
        store.client.log_text(info.run_id, f"hällo {number}", "note.txt")
    return str(info.run_id), str(info.artifact_uri)


@pytest.fixture(scope="module")
def through_client(lab: Lab) -> list[str]:
    """Every point, as MLflow's public client gives it."""
    found = []
    for run_id in lab.run_ids:
        for key in lab.store.client.get_run(run_id).data.metrics:
            history = lab.store.client.get_metric_history(run_id, key)
            found += [Point(run_id, key, point.step, point.value, point.timestamp) for point in history]
    return in_order(found)


def in_order(points: list[Point]) -> list[str]:
    return sorted(map(repr, points))  # NaN is not equal to itself, its text is


def test_the_servers_own_routes_are_as_we_know_them(lab: Lab) -> None:
    """Fails when an MLflow to come drops or changes them: then everything still works, and takes many requests."""
    points = get_history_bulk(lab.store.uri, lab.run_ids, "x y")
    assert len(points) == 4 * RUNS
    assert get_artifact(lab.store.uri, lab.folders[lab.run_ids[1]], "note.txt") == "hällo 1"


def test_histories_take_a_request_for_each_metric_and_one_for_their_names(lab: Lab, through_client: list[str]) -> None:
    with lab.counted(1 + 2):
        found = find_histories(lab.store, lab.run_ids, ["train/", "x"])
    assert len(found) == RUNS * 9
    with lab.counted(2):
        known = find_histories(lab.store, lab.run_ids, ["train/", "x"], ["train/loss", "x y", "own/1"])
    assert in_order(known) == in_order(found)
    assert in_order(find_histories(lab.store, lab.run_ids)) == through_client


def test_a_file_takes_one_request_and_one_that_is_missing_is_left_out(lab: Lab) -> None:
    there = dict(list(lab.folders.items())[1:])
    with lab.counted(len(there)):
        found = read_texts(lab.store, there, "note.txt")
    assert found == {run_id: f"hällo {number}" for number, run_id in enumerate(there, start=1)}
    assert read_texts(lab.store, lab.folders, "note.txt") == found


def test_a_whole_comparison_asks_once_for_each_file_and_each_metric_and_four_times_for_all_else(lab: Lab) -> None:
    """Counted, since seconds depend on the machine: a request more for each run would double them."""
    members = 5
    for number in range(members):
        record_member(lab.store, number)
    own = lab.store.client.create_run(lab.store.experiment_id, tags={COMMAND_TAG: "digest", OWN_SWEEP_TAG: "S"}).info
    jobs = [{"number": number, "name": f"job {number}", "varying": {}} for number in range(members + 1)]
    lab.store.client.log_text(own.run_id, json.dumps({"jobs": jobs}), MANIFEST)
    everything_else = ["the experiment", "members", "sweeps", "the manifest"]
    with lab.counted(members + len(CURVES) + len(everything_else)):
        store = Snapshot.of(find_store(lab.store.uri, "lab"))
        compared = compare_sweep(store, "S")
        assert compared is not None
        assert compared.table().startswith("5 of 6 runs have finished (1 never began); unfinished: job 5\n")
        assert "hardest" in render_page(store, compared.runs, compared.ranking, "a sweep").lower()
    assert compared.ranking.images == len(PREDICTED)


CURVES = ("train/loss", "test/loss", "test/accuracy")
PREDICTED = [(0, 0), (1, 1), (0, 1)]  # label and prediction of every test image


def record_member(store: Store, number: int) -> None:
    client, activation = store.client, ("relu", "tanh")[number % 2]
    tags = {SWEEP_TAG: "S", JOB_TAG: str(number), FINGERPRINT_TAG: str(number), DATA_TAG: "elsewhere"}
    run_id = client.create_run(store.experiment_id, tags=tags).info.run_id
    points = [Metric(key, 0.5 + number / 100, 1_000, 10 * step) for key in CURVES for step in range(3)]
    points.append(Metric("final/test_accuracy", 0.9 + number / 100, 1_000, 0))
    client.log_batch(run_id, points, [Param("activation", activation), Param("seed", str(number // 2))])
    lines = ["label,prediction", *(f"{label},{prediction}" for label, prediction in PREDICTED)]
    client.log_text(run_id, "\n".join(lines), PREDICTIONS)
    client.set_terminated(run_id)


@pytest.mark.parametrize("answer", ["no-such-route", "search-for-nothing"])
def test_without_the_routes_the_public_client_gives_the_same(
    lab: Lab, through_client: list[str], monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    there = dict(list(lab.folders.items())[1:])
    expected = read_texts(lab.store, there, "note.txt")
    other = "/nowhere" if answer == "no-such-route" else "/version"  # which answers, and not with points
    for name in ("_HISTORY", "_ARTIFACT"):
        monkeypatch.setattr(server_routes, name, "/nowhere" if name == "_ARTIFACT" else other)
    with pytest.raises(UnexpectedAnswerError):
        get_history_bulk(lab.store.uri, lab.run_ids, "x y")
    assert in_order(find_histories(lab.store, lab.run_ids)) == through_client
    assert read_texts(lab.store, there, "note.txt") == expected


def test_an_answer_that_may_be_cut_off_is_asked_for_again_in_parts(
    lab: Lab, through_client: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_routes, "MOST_POINTS", 5)
    assert len(get_history_bulk(lab.store.uri, lab.run_ids, "x y")) == 4 * RUNS
    with pytest.raises(UnexpectedAnswerError, match="has more than 5 points"):
        get_history_bulk(lab.store.uri, lab.run_ids, "train/loss")
    assert in_order(find_histories(lab.store, lab.run_ids)) == through_client


def test_a_server_that_does_not_answer_is_a_store_error(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    away = Store("http://127.0.0.1:9", "1", MlflowClient("http://127.0.0.1:9"))
    with pytest.raises(StoreError, match=r"tracking.uri=http://127.0.0.1:9"):
        find_histories(away, lab.run_ids)
    with pytest.raises(StoreError, match=r"tracking.uri=http://127.0.0.1:9"):
        read_texts(away, lab.folders, "note.txt")

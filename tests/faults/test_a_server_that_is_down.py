"""A sweep is typed against a server that is down from beginning to end; `python src/sync.py` sends it afterwards."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from sklearn.datasets import load_digits

from conftest import Project
from faults.commands import LONG, UNITS, sync, train
from faults.links import Link
from faults.stores import Kept
from faults.table import Row
from faults.trials import Place, Undisturbed, judge, send_rest

KILLS = 40 if LONG else 8

pytestmark = pytest.mark.timeout(900)


def carry_out_alone(project: Project, link: Link, way: str) -> Place:
    """Carry out a sweep while the server is away in this way; it ends in order, and says what waits."""
    place = Place(project, link.uri(way), f"down {project.root.name}", link.server.uri)
    with link.away(way):
        sweep = train(project, *place.typed(UNITS["sweep"].typed))
        assert sweep.wait() == 0, sweep.text
        assert "│ best │" in sweep.out, sweep.text
        assert (sweep.out + sweep.err).count("sync.py") == 1, f"one line says what waits: {sweep.text}"
        assert "Traceback" not in sweep.err
        early = sync(project)
        assert early.wait() == 1, f"nothing could be sent: {early.text}"
        assert "Traceback" not in early.err
    return place


def test_a_sweep_without_its_server_is_complete_after_sync(
    sqlite_link: Link, empty_project: Project,
    undisturbed: Callable[[str], Undisturbed], tally: Callable[[str], Row],
) -> None:  # fmt: skip
    expected = undisturbed("sweep")
    row = tally("server down from beginning to end, then sync")
    place = carry_out_alone(empty_project, sqlite_link, "killed")
    faults = send_rest(empty_project)
    faults += send_rest(empty_project)  # again: nothing is sent twice
    found = place.kept()
    reasons = judge(row, expected.runs, found, faults)
    assert not reasons
    assert {run.status for run in found} == {"FINISHED"}
    check_result(sqlite_link, found)
    compare_models(expected, sqlite_link, found)


def check_result(link: Link, found: list[Kept]) -> None:
    """The sweep's own run has its page, and a result that names the members."""
    client = MlflowClient(link.server.uri)
    (own,) = [run for run in found if "comparison.html" in run.artifacts]
    rows = json.loads(Path(client.download_artifacts(own.run_id, "result.json")).read_text())
    assert [row["state"] for row in rows] == ["finished", "finished"]
    assert {row["run_id"] for row in rows} == {run.run_id for run in found} - {own.run_id}
    tags = client.get_run(own.run_id).data.tags
    assert tags["sweep.finished"] == "2"
    assert tags["sweep.best_run"] in {row["run_id"] for row in rows}
    journals = [client.get_run(run.run_id).data.tags["journal"] for run in found]
    assert len(set(journals)) == len(found)


def compare_models(expected: Undisturbed, link: Link, found: list[Kept]) -> None:
    """The members' models load from the server, and predict what those of the undisturbed sweep predict."""
    images = load_digits().data[:20].astype(np.uint8)
    for run in [run for run in found if run.clock]:
        (right,) = [other for other in expected.runs if other.name == run.name]
        predicted = [
            load_model(uri, run_id).predict(images)
            for uri, run_id in [(link.server.uri, run.run_id), (expected.project.uri, right.run_id)]
        ]
        np.testing.assert_array_equal(*predicted)


def load_model(uri: str, run_id: str) -> mlflow.pyfunc.PyFuncModel:
    mlflow.set_tracking_uri(uri)
    return mlflow.pyfunc.load_model(f"runs:/{run_id}/model")


def test_sync_that_is_killed_anywhere_sends_everything_once(
    sqlite_link: Link, empty_project: Project,
    undisturbed: Callable[[str], Undisturbed], tally: Callable[[str], Row],
) -> None:  # fmt: skip
    expected, proxy, rng = undisturbed("sweep").runs, sqlite_link.proxy, random.Random(8)
    row = tally("sync killed, then sync")
    place = carry_out_alone(empty_project, sqlite_link, "dropped connections")
    kills, ended = 0, False
    while kills < KILLS and not ended:
        command, so_far = sync(empty_project), len(proxy.requests)
        last = so_far + rng.randint(1, 12)
        command.wait_until(lambda: len(proxy.requests) >= last or command.process.poll() is not None)  # noqa: B023
        ended = command.process.poll() is not None
        if not ended:
            command.kill()
            kills += 1
    faults = send_rest(empty_project)
    row.tried = kills
    reasons = judge(row, expected, place.kept(), faults)
    assert not reasons
    assert kills >= KILLS // 2, "sync ended before it could be killed"


def test_two_that_send_at_once_send_everything_once(
    sqlite_link: Link, empty_project: Project,
    undisturbed: Callable[[str], Undisturbed], tally: Callable[[str], Row],
) -> None:  # fmt: skip
    expected = undisturbed("sweep").runs
    row = tally("two of sync at once")
    place = carry_out_alone(empty_project, sqlite_link, "dropped connections")
    both = [sync(empty_project), sync(empty_project)]
    ends = [command.wait() for command in both]
    faults = [command.text for command in both if "Traceback" in command.err]
    faults += [] if 0 in ends else [f"neither has sent it: {[command.text for command in both]}"]
    reasons = judge(row, expected, place.kept(), faults)
    assert not reasons

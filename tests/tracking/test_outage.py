"""A server that goes away costs nothing: whatever it did not take arrives later, once."""

import time
from pathlib import Path

import pytest
import requests
from mlflow.exceptions import MlflowException

from mlplab.schema import JOURNAL_TAG
from mlplab.store.store import Store
from mlplab.store.target import Target
from mlplab.tracking import outbox
from mlplab.tracking.reading import begin_command, read_from
from mlplab.tracking.run import Run
from tracking.conftest import Server, artifacts, history

pytestmark = pytest.mark.slow  # real processes, ended in every way: `make test-slow`


def test_a_run_begins_and_ends_without_its_server_and_arrives_when_it_is_back(
    server: Server, remote: Target, tmp_path: Path
) -> None:
    server.kill()
    begin = time.monotonic()
    with Run(remote, "name", {"sweep": "s"}, tmp_path / "run") as run:
        run.log_params({"seed": 0})
        run.log_text("hello", "note.txt")
        run.log_metrics({"train/loss": 2.0, "test/loss": 3.0}, 200)
        assert run.run_id is None
    assert time.monotonic() - begin < 10
    assert run.waiting_values == 2
    run.require_accepted()
    assert begin_command(remote) is None
    server.start()
    time.sleep(10)  # the process asks a store that was away again after so long
    store = begin_command(remote)
    assert store is not None
    (recorded,) = store.search("")
    assert recorded.info.status == "FINISHED"
    assert recorded.data.params == {"seed": "0"}
    assert history(store, recorded.info.run_id, "train/loss") == [(200, 2.0)]
    assert artifacts(store, recorded.info.run_id) == {"note.txt"}


def test_a_server_that_comes_back_under_a_run_gets_everything_once(
    server: Server, remote: Target, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Run(remote, "name", {}, tmp_path / "run") as run:
        run.log_metrics({"train/loss": 2.0}, 200)
        while not run.is_sent:
            time.sleep(0.1)
        server.kill()
        run.log_metrics({"train/loss": 1.0}, 400)
        while not run.is_away:
            time.sleep(0.1)
        assert run.waiting_values == 1
        server.start()
        run.log_metrics({"train/loss": 0.5}, 600)
        deadline = time.monotonic() + 60
        while not run.is_sent and time.monotonic() < deadline:
            time.sleep(0.1)
    store = remote.connect()
    assert [one.info.status for one in store.search("")] == ["FINISHED"]
    assert history(store, run.run_id, "train/loss") == [(200, 2.0), (400, 1.0), (600, 0.5)]
    assert caplog.text.count("does not answer") == 1


def test_a_creation_whose_answer_is_lost_leaves_no_second_run(
    remote: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = remote.connect()
    create, lost = store.client.create_run, []

    def create_and_lose_the_answer(*arguments: object, **keywords: object) -> object:
        created = create(*arguments, **keywords)  # type: ignore[arg-type]
        if not lost:
            lost.append(created)
            raise ConnectionResetError("the answer is lost")
        return created

    monkeypatch.setattr(store.client, "create_run", create_and_lose_the_answer)
    with Run(remote, "name", {}, tmp_path / "run") as run:
        deadline = time.monotonic() + 30
        while not run.is_sent and time.monotonic() < deadline:
            time.sleep(0.1)
    assert run.run_id == lost[0].info.run_id
    assert len(store.search("")) == 1


def test_a_creation_that_the_server_carries_out_late_leaves_no_second_run(remote: Target, tmp_path: Path) -> None:
    store = remote.connect()
    with Run(remote, "name", {}, tmp_path / "run") as run:
        while run.run_id is None:
            time.sleep(0.1)
        key = store.client.get_run(run.run_id).data.tags[JOURNAL_TAG]
        store.client.create_run(store.experiment_id, tags={JOURNAL_TAG: key})
    assert [one.info.run_id for one in store.search("")] == [run.run_id]


def test_while_the_server_is_away_runs_are_read_from_their_journals(
    server: Server, remote: Target, tmp_path: Path
) -> None:
    server.kill()
    with Run(remote, "name", {"sweep": "s"}, tmp_path / "run") as run:
        run.log_text("hello", "note.txt")
        run.log_metrics({"train/loss": 2.0}, 200)
    reading = read_from(remote, [run.folder])
    assert reading.is_stand_in
    (recorded,) = reading.store.search("tags.sweep = 's'")
    assert recorded.info.status == "FINISHED"
    assert history(reading.store, recorded.info.run_id, "train/loss") == [(200, 2.0)]
    assert reading.store.read_artifacts(recorded.info.run_id, "note.txt") == ["hello"]


def test_offline_the_store_is_not_asked_until_somebody_sends(target: Target, store: Store, tmp_path: Path) -> None:
    offline = Target(target.uri, target.experiment, offline=True)
    with Run(offline, "name", {}, tmp_path / "run") as run:
        run.log_metrics({"train/loss": 2.0}, 200)
    assert run.run_id is None
    assert not store.search("")
    assert outbox.send_all(target).sent == [tmp_path / "run"]
    (recorded,) = store.search("")
    assert history(store, recorded.info.run_id, "train/loss") == [(200, 2.0)]
    assert outbox.send_all(target).sent == []


def test_an_artifact_that_is_refused_costs_the_run_nothing_else(
    remote: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = remote.connect()
    send = store.client.log_artifact

    def refuse_one(run_id: str, path: str, folder: str | None = None) -> None:
        if path.endswith("large.bin"):
            answer = requests.Response()
            answer.status_code = 413
            raise requests.HTTPError("413 Client Error: too large", response=answer)
        send(run_id, path, folder)

    monkeypatch.setattr(store.client, "log_artifact", refuse_one)
    with Run(remote, "name", {}, tmp_path / "run") as run:
        run.log_text("much", "large.bin")
        run.log_text("hello", "note.txt")
        while not run.is_sent:
            time.sleep(0.1)
    outbox.send_all(remote)  # on a busy machine the end may take longer than a run waits for it
    assert store.client.get_run(str(run.run_id)).info.status == "FINISHED"
    assert artifacts(store, run.run_id) == {"note.txt"}
    assert (tmp_path / "run" / "refused" / "large.bin").read_text() == "much"


def test_one_journal_that_the_server_does_not_take_holds_up_no_other(
    remote: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, offline = remote.connect(), Target(remote.uri, remote.experiment, offline=True)
    for name in ("poison", "good", "fine"):
        with Run(offline, name, {}, tmp_path / name) as run:
            run.log_metrics({"train/loss": 2.0}, 200)
    create = store.client.create_run

    def fail_for_one(*arguments: object, **keywords: object) -> object:
        if keywords["run_name"] == "poison":
            raise MlflowException("a fault of the server's")
        return create(*arguments, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(store.client, "create_run", fail_for_one)
    unsent = outbox.send_all(remote)
    assert (set(unsent.refusals), unsent.waiting) == ({tmp_path / "poison"}, [])
    assert {run.info.run_name for run in store.search("")} == {"good", "fine"}

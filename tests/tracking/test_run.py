"""A run is recorded as it ended, and no measurement is lost."""

import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from mlplab import signals
from mlplab.errors import ClaimedError, DivergedError, LostRunError, StoreError
from mlplab.schema import DIVERGED_TAG, PID_TAG
from mlplab.store.store import Store
from mlplab.store.target import Target
from mlplab.tracking import delivery, outbox, sender
from mlplab.tracking.journaled import read_journal
from mlplab.tracking.run import Run
from tracking.conftest import artifacts, history


def status(store: Store, run: Run) -> str:
    return str(store.client.get_run(str(run.run_id)).info.status)


def test_a_run_that_ends_is_finished_with_every_point_and_artifact(
    target: Target, store: Store, tmp_path: Path, own_outbox: Path
) -> None:
    with Run(target, "name", {"sweep": "s"}, tmp_path / "run") as run:
        run.log_params({"learning_rate": 0.1})
        (run.artifacts / "note.txt").write_text("hello")
        (run.artifacts / "folder").mkdir()
        (run.artifacts / "folder" / "inside.txt").write_text("hello")
        for step in range(2_500):
            run.log_metrics({"train/loss": 1 / (step + 1)}, step)
    recorded = store.client.get_run(str(run.run_id))
    assert (recorded.info.status, recorded.info.run_name) == ("FINISHED", "name")
    assert (recorded.data.tags["sweep"], recorded.data.params["learning_rate"]) == ("s", "0.1")
    assert history(store, run.run_id, "train/loss") == [(step, 1 / (step + 1)) for step in range(2_500)]
    assert artifacts(store, run.run_id) == {"note.txt", "folder"}
    assert [one.path for one in store.client.list_artifacts(str(run.run_id), "folder")] == ["folder/inside.txt"]
    assert not run.artifacts.exists()
    assert not list(own_outbox.iterdir())


def test_an_error_ends_failed_with_its_traceback_and_all_points(target: Target, store: Store, tmp_path: Path) -> None:
    with pytest.raises(DivergedError), Run(target, "name", {}, tmp_path / "run") as run:
        run.log_metrics({"train/loss": 2.0}, 200)
        run.log_metrics({"train/loss": 9.0}, 400)
        raise DivergedError("too far")
    assert status(store, run) == "FAILED"
    assert store.client.get_run(str(run.run_id)).data.tags[DIVERGED_TAG] == "true"
    assert history(store, run.run_id, "train/loss") == [(200, 2.0), (400, 9.0)]
    path = store.client.download_artifacts(str(run.run_id), "traceback.txt", str(tmp_path))
    assert "DivergedError: too far" in Path(path).read_text()


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_ends_killed_with_all_points(
    target: Target, store: Store, tmp_path: Path, interrupt: type[BaseException]
) -> None:
    with pytest.raises(interrupt), Run(target, "name", {}, tmp_path / "run") as run:
        run.log_metrics({"train/loss": 2.0}, 200)
        run.log_metrics({"train/loss": 1.0}, 400)
        raise interrupt
    assert status(store, run) == "KILLED"
    assert history(store, run.run_id, "train/loss") == [(200, 2.0), (400, 1.0)]


def test_results_are_at_step_0_and_once(target: Target, store: Store, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Run(target, "name", {}, tmp_path / "run") as run:
        run.log_metrics({"final/test_loss": 0.5}, 400)  # as older code did
        run.log_results({"final/test_accuracy": 0.9})
        raise KeyboardInterrupt
    with Run(target, "name", {}, tmp_path / "run", goes_on=True) as run:
        run.log_results({"final/test_loss": 0.5, "final/test_accuracy": 0.9, "time/total_seconds": 3.0})
    assert history(store, run.run_id, "final/test_loss") == [(400, 0.5)]
    assert history(store, run.run_id, "final/test_accuracy") == [(0, 0.9)]
    assert history(store, run.run_id, "time/total_seconds") == [(0, 3.0)]
    journaled = read_journal(tmp_path / "run")
    assert journaled is not None
    assert journaled.final == {"final/test_loss": 0.5, "final/test_accuracy": 0.9, "time/total_seconds": 3.0}


def test_a_run_without_a_journal_goes_on_from_what_the_store_has(target: Target, store: Store, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Run(target, "name", {}, tmp_path / "run") as run:
        run.log_params({"seed": 0})
        run.log_metrics({"train/loss": 2.0}, 200)
        raise KeyboardInterrupt
    shutil.rmtree(tmp_path / "run")  # or it ran on another machine
    with Run(target, "name", {}, tmp_path / "run", goes_on=True, resumed=run.run_id) as again:
        again.log_params({"seed": 0, "epochs": 3})
        again.log_metrics({"train/loss": 2.0}, 200)
        again.log_metrics({"train/loss": 1.0}, 400)
    assert again.run_id == run.run_id
    assert status(store, again) == "FINISHED"
    assert history(store, run.run_id, "train/loss") == [(200, 2.0), (400, 1.0)]


def test_a_run_that_begins_anew_in_the_same_folder_leaves_the_former_one_whole(
    target: Target, store: Store, tmp_path: Path
) -> None:
    runs = []
    for loss in (2.0, 3.0):
        with Run(target, "name", {}, tmp_path / "run") as run:
            run.log_metrics({"train/loss": loss}, 200)
        runs.append(run.run_id)
    assert runs[0] != runs[1]
    assert [history(store, run_id, "train/loss") for run_id in runs] == [[(200, 2.0)], [(200, 3.0)]]


def test_points_are_visible_during_the_run(
    target: Target, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "SEND_SECONDS", 0.05)
    with Run(target, "name", {}, tmp_path / "run") as run:
        run.log_metrics({"train/loss": 2.0}, 200)
        deadline = time.monotonic() + 20
        while (run.run_id is None or not history(store, run.run_id, "train/loss")) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert status(store, run) == "RUNNING"
        assert history(store, run.run_id, "train/loss") == [(200, 2.0)]


def test_what_is_sent_twice_is_stored_once(
    target: Target, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver = delivery._deliver
    answers = iter([False] * 4 + [True] * 1_000)

    def deliver_and_lose_the_answer(*arguments: object) -> None:
        deliver(*arguments)  # type: ignore[arg-type]
        if not next(answers):
            raise ConnectionError("the answer was lost: database is locked")  # SQLite has no other passing error

    monkeypatch.setattr(delivery, "_deliver", deliver_and_lose_the_answer)
    monkeypatch.setattr(sender, "SEND_SECONDS", 0.05)
    with Run(target, "name", {}, tmp_path / "run") as run:
        run.log_params({"seed": 0})
        run.log_dataset("digits", "d", ("local", {}), {})
        run.log_text("hello", "note.txt")
        run.log_metrics({"train/loss": 2.0}, 200)
        while not run.is_sent:
            time.sleep(0.05)
    assert history(store, run.run_id, "train/loss") == [(200, 2.0)]
    assert len(store.client.get_run(str(run.run_id)).inputs.dataset_inputs) == 1
    assert len(store.search("")) == 1


def test_a_refusal_is_said_at_once_and_the_run_is_kept(
    target: Target, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "mlruns").write_text("in the way")
    with Run(target, "name", {}, tmp_path / "run") as run:
        run.log_metrics({"train/loss": 2.0}, 200)
        run.log_text("hello", "note.txt")
        deadline = time.monotonic() + 20
        while "cannot be used" not in caplog.text and time.monotonic() < deadline:
            time.sleep(0.05)
        assert "mlruns" in caplog.text
    with pytest.raises(StoreError, match=r"is kept in .*run; then: python src/sync.py"):
        run.require_accepted()
    assert (tmp_path / "run" / "artifacts" / "note.txt").read_text() == "hello"


def test_a_run_that_somebody_deletes_while_it_works_is_kept_until_it_is_restored(
    target: Target, store: Store, tmp_path: Path
) -> None:
    with Run(target, "name", {}, tmp_path / "run") as run:
        run.log_metrics({"loss": 2.0}, 100)
        run._sender.wait_until_sent(5.0)
        store.client.delete_run(str(run.run_id))
        run.log_metrics({"loss": 1.0}, 200)
    with pytest.raises(StoreError, match=r"mlflow runs restore --run-id"):
        run.require_accepted()
    store.client.restore_run(str(run.run_id))
    assert outbox.send_all(target).sent == [tmp_path / "run"]
    assert history(store, str(run.run_id), "loss") == [(100, 2.0), (200, 1.0)]
    assert store.client.get_run(str(run.run_id)).info.status == "FINISHED"


def test_a_deleted_artifact_folder_does_not_keep_the_run_open(target: Target, store: Store, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a bug"), Run(target, "name", {}, tmp_path / "run") as run:
        shutil.rmtree(run.artifacts)
        raise ValueError("a bug")
    assert status(store, run) == "FAILED"


def test_a_run_is_written_by_one_process_at_a_time(target: Target, tmp_path: Path) -> None:
    with Run(target, "name", {}, tmp_path / "run") as run:
        owner = run._tags[PID_TAG]
        with (
            pytest.raises(ClaimedError, match=rf"name: process {owner} on .* works on it"),
            Run(target, "name", {}, tmp_path / "run", goes_on=True),
        ):
            pytest.fail("two at once")


def test_a_run_that_another_machine_took_over_stops_and_writes_nothing_more(
    target: Target, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = replace(target, heartbeat=0.0)
    monkeypatch.setattr(sender, "SEND_SECONDS", 0.05)
    with pytest.raises(LostRunError), Run(target, "name", {}, tmp_path / "run") as run:
        run.log_metrics({"train/loss": 2.0}, 200)
        while not run.is_sent:
            time.sleep(0.05)
        store.client.set_tag(str(run.run_id), PID_TAG, "another")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            time.sleep(0.1)
            run.log_metrics({"test/loss": 1.0}, 200)
    assert status(store, run) == "RUNNING"


def test_a_database_that_is_removed_under_a_run_is_noticed(target: Target, tmp_path: Path) -> None:
    target.connect()
    with Run(target, "name", {}, tmp_path / "run") as run:
        run.log_metrics({"train/loss": 2.0}, 200)
        for file in tmp_path.glob("mlflow.db*"):
            file.unlink()
    with pytest.raises(StoreError, match="was removed"):
        run.require_accepted()


def test_a_writer_that_lost_its_run_sends_nothing_that_was_left(target: Target, store: Store, tmp_path: Path) -> None:
    with Run(Target(target.uri, target.experiment), "name", {}, tmp_path / "run") as run:
        run.log_metrics({"train/loss": 2.0}, 200)
    offline = Target(target.uri, target.experiment, offline=True)
    with pytest.raises(KeyboardInterrupt), Run(offline, "name", {}, tmp_path / "run", goes_on=True) as run:
        run.log_metrics({"train/loss": 1.0}, 400)
        raise KeyboardInterrupt
    store.client.set_tag(str(run.run_id), PID_TAG, "of another machine")
    assert outbox.send_all(target).sent == []
    assert outbox.unsent_folders() == []
    assert status(store, run) == "FINISHED"
    assert history(store, run.run_id, "train/loss") == [(200, 2.0)]


def test_a_run_is_never_continued_in_the_journal_of_another_one(target: Target, store: Store, tmp_path: Path) -> None:
    runs = []
    for loss in (2.0, 3.0):
        with pytest.raises(KeyboardInterrupt), Run(target, "name", {}, tmp_path / "run") as run:
            run.log_metrics({"train/loss": loss}, 200)
            raise KeyboardInterrupt
        runs.append(run.run_id)
    with Run(target, "name", {}, tmp_path / "run", goes_on=True, resumed=runs[0]) as run:
        run.log_metrics({"train/loss": 1.0}, 400)
    assert run.run_id == runs[0]
    assert history(store, runs[0], "train/loss") == [(200, 2.0), (400, 1.0)]
    assert history(store, runs[1], "train/loss") == [(200, 3.0)]


def test_what_is_added_after_its_end_leaves_a_run_as_it_ended(target: Target, store: Store, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a bug"), Run(target, "name", {}, tmp_path / "run") as run:
        raise ValueError("a bug")
    before = store.client.get_run(str(run.run_id))
    with Run(target, "name", {}, tmp_path / "run", adds=True) as again:
        again.log_text("hello", "note.txt")
        again.set_tags({"added": "yes"})
    after = store.client.get_run(str(run.run_id))
    assert (after.info.status, after.info.end_time) == ("FAILED", before.info.end_time)
    assert after.data.tags == {**before.data.tags, "added": "yes"}
    assert artifacts(store, run.run_id) == {"traceback.txt", "note.txt"}
    assert outbox.unsent_folders() == []


@contextmanager
def handled() -> Iterator[None]:
    """Signals as a command handles them; afterwards what was raised is forgotten."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signals.install()
    try:
        yield
    finally:
        signals.uninstall()
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_signal_waits_while_the_run_ends(
    target: Target, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = delivery._end

    def be_stopped_and_end(*arguments: object) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        end(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(delivery, "_end", be_stopped_and_end)
    with handled(), pytest.raises(signals.Stopped), Run(target, "name", {}, tmp_path / "run") as run:
        (run.artifacts / "note.txt").write_text("hello")
    assert status(store, run) == "FINISHED"
    assert artifacts(store, run.run_id) == {"note.txt"}


def test_a_signal_while_the_run_begins_ends_it_killed(
    target: Target, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, runs = Run._begin, []

    def begin_and_be_stopped(run: Run) -> None:
        begin(run)
        runs.append(run)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Run, "_begin", begin_and_be_stopped)
    with handled(), pytest.raises(signals.Stopped), Run(target, "name", {}, tmp_path / "run"):
        pytest.fail("the body must not begin")
    assert status(store, runs[0]) == "KILLED"

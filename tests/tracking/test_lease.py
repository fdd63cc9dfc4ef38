"""A run on another machine is taken over only after it has given no sign of life for a whole lease."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from mlplab.errors import ClaimedError, LostRunError
from mlplab.schema import FOLDER_TAG, HEARTBEAT_TAG, PID_TAG
from mlplab.store.store import Store
from mlplab.store.target import Target
from mlplab.tracking import delivery, sender
from mlplab.tracking.lease import end_silent
from mlplab.tracking.process import Process
from mlplab.tracking.run import Run
from tracking.conftest import history

ELSEWHERE = replace(Process.current(), host="elsewhere").tags()
LEASE = 1.0


def running(store: Store, **tags: str) -> str:
    run = store.client.create_run(store.experiment_id, tags={**ELSEWHERE, FOLDER_TAG: "/elsewhere", **tags})
    return str(run.info.run_id)


@contextmanager
def beating(store: Store, run_id: str) -> Iterator[None]:
    """Another machine shows that the run lives."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(LEASE / 3):
            store.client.set_tag(run_id, HEARTBEAT_TAG, f"{time.time()}")

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def status(store: Store, run_id: str) -> str:
    return str(store.client.get_run(run_id).info.status)


def test_a_run_that_gives_no_sign_of_life_is_ended(store: Store) -> None:
    silent = running(store, **{HEARTBEAT_TAG: "1"})
    end_silent(store, store.find([silent]), LEASE, "it runs")
    assert status(store, silent) == "KILLED"


def test_a_run_that_lives_is_left_alone_and_so_are_those_beside_it(store: Store) -> None:
    alive, silent = running(store, **{HEARTBEAT_TAG: "1"}), running(store, **{HEARTBEAT_TAG: "1"})
    with beating(store, alive), pytest.raises(ClaimedError, match=r"it runs, by process \d+ on elsewhere; wait"):
        end_silent(store, store.find([alive, silent]), LEASE, "it runs")
    assert (status(store, alive), status(store, silent)) == ("RUNNING", "RUNNING")


def test_a_run_that_never_gives_signs_is_left_alone(store: Store) -> None:
    unknown = running(store)
    with pytest.raises(ClaimedError):
        end_silent(store, store.find([unknown]), LEASE, "it runs")


def test_a_run_that_ends_meanwhile_is_waited_for(store: Store) -> None:
    ending = running(store, **{HEARTBEAT_TAG: "1"})
    timer = threading.Timer(LEASE / 4, store.client.set_terminated, (ending, "FINISHED"))
    timer.start()
    end_silent(store, store.find([ending]), LEASE, "it runs")
    timer.join()
    assert status(store, ending) == "FINISHED"


@pytest.fixture
def lost(remote: Target, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run of another machine, on a server; who takes it over waits a second for others."""
    monkeypatch.setattr(delivery, "SETTLING_SECONDS", 1.0)
    return running(remote.connect(), **{HEARTBEAT_TAG: "1"})


@pytest.mark.slow
def test_of_two_machines_that_take_a_run_over_at_the_same_moment_one_goes_on(
    remote: Target, lost: str, tmp_path: Path
) -> None:
    store = remote.connect()
    with (
        pytest.raises(ClaimedError, match="another process goes on with it"),
        meanwhile(store, lost, lambda: store.client.set_tag(lost, PID_TAG, "of a third machine, a moment later")),
    ):
        Run(remote, "name", {}, tmp_path / "first", goes_on=True, resumed=lost).__enter__()


@pytest.mark.slow
def test_what_the_other_machine_sends_until_its_run_is_taken_over_is_not_logged_twice(
    remote: Target, lost: str, tmp_path: Path
) -> None:
    store = remote.connect()
    with (
        meanwhile(store, lost, lambda: store.client.log_metric(lost, "loss", 1.0, step=200)),
        Run(remote, "name", {}, tmp_path / "first", goes_on=True, resumed=lost) as run,
    ):
        run.log_metrics({"loss": 1.0}, 200)
        run.log_metrics({"loss": 0.5}, 400)
    assert history(store, lost, "loss") == [(200, 1.0), (400, 0.5)]


@contextmanager
def meanwhile(store: Store, lost: str, act: Callable[[], object]) -> Iterator[None]:
    """Act in the moment in which this run is taken over: its owner is written, and not settled."""

    def wait_and_act() -> None:
        deadline = time.monotonic() + 20
        while store.client.get_run(lost).data.tags[HEARTBEAT_TAG] == "1" and time.monotonic() < deadline:
            time.sleep(0.01)
        act()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def test_a_writer_that_slept_looks_whether_it_has_lost_its_run_before_it_sends_more(
    target: Target, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "SEND_SECONDS", 0.05)
    brief = replace(target, heartbeat=1_000.0, lease=0.2)
    with pytest.raises(LostRunError), Run(brief, "name", {}, tmp_path / "run") as run:
        run.log_metrics({"loss": 2.0}, 100)
        while not run.is_sent:
            time.sleep(0.05)
        store.client.set_tag(str(run.run_id), PID_TAG, "of another machine")
        time.sleep(0.2)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            run.log_metrics({"loss": 1.0}, 200)
            time.sleep(0.1)
    assert history(store, run.run_id, "loss") == [(100, 2.0)]

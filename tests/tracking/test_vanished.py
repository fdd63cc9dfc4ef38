"""A run whose process is gone is closed by whoever looks next; a live one never is."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from mlplab.schema import HEARTBEAT_TAG, OBSERVED_TAG
from mlplab.store.store import Store
from mlplab.store.target import Target
from mlplab.tracking import heartbeat, outbox, vanished
from mlplab.tracking.heartbeat import DOUBT_SECONDS, SILENCE_SECONDS, Observation, look_at
from mlplab.tracking.process import Process
from mlplab.tracking.run import Run
from mlplab.tracking.vanished import close_vanished
from tracking.conftest import history

HERE = Process.current()


def running(store: Store, process: Process | None, **tags: str) -> str:
    owner = process.tags() if process else {}
    return str(store.client.create_run(store.experiment_id, tags={**owner, **tags}).info.run_id)


def status(store: Store, run_id: str) -> str:
    return str(store.client.get_run(run_id).info.status)


def test_a_run_whose_process_vanished_is_closed_as_killed(store: Store) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = psutil.Process(child.pid).create_time() - psutil.boot_time()
    vanished = running(store, replace(HERE, pid=child.pid, started=started))
    assert close_vanished(store) == []
    child.communicate(b"\n")
    assert close_vanished(store) == [vanished]
    assert status(store, vanished) == "KILLED"


def test_a_later_process_with_the_same_pid_is_another(store: Store) -> None:
    run_id = running(store, replace(HERE, started=HERE.started - 3_600))
    assert close_vanished(store) == [run_id]


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"host": "another-machine", "pid": 1},
        {"boot": "another boot, or another namespace of process numbers", "pid": 1},
    ],
)
def test_a_process_that_this_one_cannot_see_is_never_taken_for_a_dead_one(
    store: Store, elsewhere: dict[str, object]
) -> None:
    running(store, replace(HERE, **elsewhere))  # type: ignore[arg-type]
    assert close_vanished(store) == []


def test_runs_of_this_process_and_of_unknown_origin_are_left_alone(store: Store) -> None:
    running(store, HERE)
    running(store, None)
    assert close_vanished(store) == []


def test_a_run_that_ends_during_the_check_is_left_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = running(store, replace(HERE, started=-1e6))
    is_gone = Process.is_gone

    def ends_meanwhile(process: Process) -> bool:
        store.client.set_terminated(run_id, "FINISHED")
        return is_gone(process)

    monkeypatch.setattr(Process, "is_gone", ends_meanwhile)
    assert close_vanished(store) == []
    assert status(store, run_id) == "FINISHED"


def test_a_clock_that_is_corrected_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    create_time, boot_time = psutil.Process.create_time, psutil.boot_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: create_time(process) + 3_600)
    monkeypatch.setattr(psutil, "boot_time", lambda: boot_time() + 3_600)
    assert not HERE.is_gone()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock of this machine; ``now`` may be set."""
    clock = SimpleNamespace(now=1_000_000.0)
    monkeypatch.setattr(heartbeat.time, "time", lambda: clock.now)
    return clock


def test_another_machine_is_silent_when_its_heartbeat_has_not_changed_for_long_by_the_own_clock(
    clock: SimpleNamespace,
) -> None:
    beat = "beat 1, of a clock that is years late"
    first = look_at(beat, None)
    clock.now += SILENCE_SECONDS - 1
    assert look_at(beat, first) == first
    clock.now += 2
    doubted = look_at(beat, first)
    assert not doubted.is_of_a_dead_run
    clock.now += DOUBT_SECONDS
    assert look_at(beat, doubted).is_of_a_dead_run
    assert Observation.from_note(doubted.note()) == doubted


def test_after_a_long_outage_a_live_run_has_time_to_give_a_sign(clock: SimpleNamespace) -> None:
    first = look_at("beat 1", None)
    clock.now += 10 * SILENCE_SECONDS  # the server was away
    doubted = look_at("beat 1", first)
    assert not doubted.is_of_a_dead_run
    clock.now += DOUBT_SECONDS
    assert not look_at("beat 2", doubted).is_of_a_dead_run


def test_the_run_of_a_machine_that_was_seen_silent_long_enough_is_closed(store: Store, clock: SimpleNamespace) -> None:
    run_id = running(store, replace(HERE, host="elsewhere"), **{HEARTBEAT_TAG: "1"})
    assert close_vanished(store) == []
    clock.now += SILENCE_SECONDS + 5
    assert close_vanished(store) == []
    clock.now += DOUBT_SECONDS
    assert close_vanished(store) == [run_id]


def test_machines_that_look_at_the_same_run_keep_notes_of_their_own(
    store: Store, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = running(store, replace(HERE, host="elsewhere"), **{HEARTBEAT_TAG: "1"})
    for host, hours_late in [("a", 0), ("b", 5), ("a", 0), ("b", 5)]:
        monkeypatch.setattr(vanished.socket, "gethostname", lambda host=host: host)
        clock.now -= hours_late * 3_600
        assert close_vanished(store) == []
        clock.now += hours_late * 3_600
        clock.now += SILENCE_SECONDS / 4
    notes = {
        key: value for key, value in store.client.get_run(run_id).data.tags.items() if key.startswith(OBSERVED_TAG)
    }
    assert notes == {f"{OBSERVED_TAG}a": "1@1000000@0", f"{OBSERVED_TAG}b": "1@982225@0"}


def test_a_run_that_was_killed_outright_arrives_whole_and_ends_killed(target: Target, tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib; from mlplab.tracking import outbox; from mlplab.tracking.run import Run; "
        "from mlplab.store.target import Target; outbox._FOLDER = pathlib.Path(sys.argv[2]) / 'unsent'; "
        "run = Run(Target(sys.argv[1], 'lab'), 'name', {}, pathlib.Path(sys.argv[2]) / 'run').__enter__(); "
        "run.log_metrics({'loss': 1.0}, 200); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, target.uri, str(tmp_path)], check=False)
    assert outbox.send_all(target).sent == [tmp_path / "run"]
    store = target.connect()
    (run,) = store.search("")
    assert run.info.status == "KILLED"
    assert history(store, run.info.run_id, "loss") == [(200, 1.0)]


def test_a_run_that_somebody_writes_is_left_to_its_owner(target: Target, tmp_path: Path) -> None:
    with Run(target, "name", {}, tmp_path / "run") as run:
        assert outbox.send_all(target).busy == [tmp_path / "run"]
        assert close_vanished(target.connect()) == []
    assert status(target.connect(), str(run.run_id)) == "FINISHED"

"""The progress of a parallel sweep: plain lines, or a screen that is kept up to date."""

import io
import re
import time
from pathlib import Path

import pytest
from rich.console import Console

from mlplab.schema import State
from mlplab.sweeps import countdown
from mlplab.sweeps.countdown import Countdown, time_left
from mlplab.sweeps.following import FollowedMembers
from mlplab.sweeps.manifest import FrozenJob
from mlplab.tracking.journal import NAME
from mlplab.tracking.records import Begin, End, Input, Points, Record, to_line

BEGIN = Begin("key", "", "mlplab", "relu", {}, 0)
INPUT = Input("digits", "d", "local", {}, {"train": 1000, "test": 360})
FINISHED = End("FINISHED", 9, "", {"final/test_accuracy": 0.9712, "time/total_seconds": 3.5})


def write(folder: Path, number: int, *records: Record) -> None:
    (folder / str(number)).mkdir(exist_ok=True)
    with (folder / str(number) / NAME).open("a") as file:
        file.writelines(to_line(record) + "\n" for record in records)


@pytest.fixture
def members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FollowedMembers:
    monkeypatch.setattr(countdown, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(countdown, "MOST_SHARE", 0)
    config = {"batch_size": 50, "epochs": 2, "iterations": None}
    names = ["relu", "tanh [x]", "sigmoid"]
    jobs = [FrozenJob(number, name, {}, config) for number, name in enumerate(names)]
    return FollowedMembers(tmp_path, jobs)


def test_the_time_left_follows_from_the_share_that_is_done() -> None:
    assert time_left(3, 12, 0.25, 60.0) == "3 of 12 runs have ended; about 3 min left"
    assert time_left(0, 12, 0.5, 30.0) == "0 of 12 runs have ended; about 30 s left"
    assert time_left(0, 1, 0.001, 30.0) == "0 of 1 run has ended"


def test_without_a_terminal_each_beginning_and_each_end_is_one_line(
    members: FollowedMembers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Countdown(members):
        for number, end in enumerate([FINISHED, End("FAILED", 9, "train/loss=nan at 3: diverged"), FINISHED]):
            write(tmp_path, number, BEGIN, INPUT)
            time.sleep(0.2)
            write(tmp_path, number, end)
            time.sleep(0.2)
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(";")[0] for line in said] == [
        "relu: running",
        "relu: finished, test accuracy 0.9712 (3.5 s)",
        "1 of 3 runs have ended",
        "tanh [x]: running",
        "tanh [x]: failed (train/loss=nan at 3)",
        "2 of 3 runs have ended",
        "sigmoid: running",
        "sigmoid: finished, test accuracy 0.9712 (3.5 s)",
    ]


def screen(
    members: FollowedMembers, monkeypatch: pytest.MonkeyPatch, height: int, begin: list[int], folder: Path
) -> str:
    """Return what a terminal of this height was sent while these members began."""
    out = io.StringIO()
    console = Console(file=out, width=80, height=height, force_terminal=True, color_system=None)
    monkeypatch.setattr(countdown, "Console", lambda: console)
    with Countdown(members):
        for number in begin:
            write(folder, number, BEGIN, INPUT, Points(25, 1, {"train/loss": 0.5, "test/accuracy": 0.75}))
        time.sleep(0.3)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.getvalue())


def test_a_terminal_shows_every_member_from_the_first_moment(
    members: FollowedMembers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = screen(members, monkeypatch, 24, [1], tmp_path)
    first, last = text[: text.index("running")], text[text.index("running") :]
    for name in ("relu", "tanh [x]", "sigmoid"):
        assert re.search(rf"waiting +{re.escape(name)}", first)
    assert "0 of 3 runs have ended" in first
    assert re.search(r"running +tanh \[x\] +epoch 2/2 +loss 0\.500 +acc 0\.750", last)
    assert all(len(line) <= 80 for line in re.split(r"[\r\n]+", text))


def test_a_low_terminal_shows_the_running_members_and_counts_the_others(
    members: FollowedMembers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = screen(members, monkeypatch, 4, [2], tmp_path)
    assert re.search(r"running +sigmoid", text)
    assert "and 2 more" in text


def test_a_terminal_that_has_gone_ends_the_screen_alone(
    members: FollowedMembers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(text)

    monkeypatch.setattr(countdown, "Console", lambda: Console(file=Gone(), width=80, force_terminal=True))
    with Countdown(members):
        write(tmp_path, 0, BEGIN, INPUT, FINISHED)
        time.sleep(0.1)
    assert members.members[0].state is State.finished

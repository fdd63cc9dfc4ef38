"""The progress of a parallel sweep."""

import time

import pytest

from mlplab.sweeps import countdown
from mlplab.sweeps.countdown import Countdown, time_left


def test_the_time_left_follows_from_the_runs_that_have_ended() -> None:
    assert time_left(3, 12, 60.0) == "3 of 12 runs have ended; about 3 min left"
    assert time_left(9, 12, 90.0) == "9 of 12 runs have ended; about 30 s left"


def test_each_end_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(countdown, "POLL_SECONDS", 0.01)
    answers = iter([0, 1, 1, 2, 3])
    with Countdown(lambda: next(answers, 3), 3):
        time.sleep(0.5)
    said = capsys.readouterr().out.splitlines()
    assert [line.split(";")[0] for line in said] == ["1 of 3 runs have ended", "2 of 3 runs have ended"]

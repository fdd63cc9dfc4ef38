"""Where a run stands among those of its sweep."""

import time

import pytest

from mlplab import place
from mlplab.place import place_of_job, queued_jobs


def test_runs_count_from_those_that_had_finished_earlier() -> None:
    with queued_jobs([3, 5], total=6):
        found = [place_of_job(job) for job in (3, 5)]
        assert [(one.number, one.total) for one in found if one] == [(5, 6), (6, 6)]
        assert place_of_job(4) is None
    assert place_of_job(3) is None


def test_a_run_outside_of_a_sweep_has_no_place() -> None:
    assert place_of_job(None) is None


def test_the_time_left_of_a_sweep_follows_from_the_share_that_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(place.time, "monotonic", lambda: now)
    with queued_jobs([0, 1, 2], total=3):
        second = place_of_job(1)
    assert second is not None
    now += 30.0
    assert second.seconds_left(0.5) == pytest.approx(30.0)  # half of three runs took 30 s
    first = place.Place(1, 3, 0, 3, time.monotonic())
    assert first.seconds_left(0.0) is None

"""When a sweep that runs may end, from the runs that have finished."""

from collections.abc import Sequence

import pandas as pd
import pytest
from mlflow.entities import Run, RunData, RunInfo

from mlplab.comparison.progress import JobProgress, Progress
from mlplab.schema import State

NOW = pd.Timestamp("2026-11-21 12:00:00", tz="UTC")


def job(group: str, state: State, seconds: float = 0.0) -> JobProgress:
    """A job whose run took so many seconds, or has taken so far."""
    run = {"start_time": NOW - pd.Timedelta(seconds=seconds), "metrics.time/total_seconds": seconds}
    return JobProgress(0, group, group, state, run if state is not State.new else {}, "")


def progress(jobs: Sequence[JobProgress], status: str = "RUNNING") -> Progress:
    info = RunInfo("own", "0", "user", status, 0, None, "active")
    numbered = [JobProgress(i, one.name, one.group, one.state, one.run, "") for i, one in enumerate(jobs)]
    return Progress("S", Run(info, RunData()), numbered, pd.DataFrame(), NOW)


def test_before_the_first_run_has_finished_nobody_knows() -> None:
    assert progress([job("a", State.running, 30.0), job("a", State.new)]).seconds_left() is None


def test_a_job_takes_as_long_as_those_of_its_group() -> None:
    jobs = [job("a", State.finished, 10.0), job("b", State.finished, 60.0), job("a", State.new), job("b", State.new)]
    assert progress(jobs).seconds_left() == 70.0


def test_a_job_of_a_group_that_none_has_finished_of_takes_the_mean_of_all() -> None:
    jobs = [job("a", State.finished, 10.0), job("b", State.finished, 60.0), job("c", State.new)]
    assert progress(jobs).seconds_left() == 35.0


def test_what_runs_at_once_shares_the_time_and_has_done_a_part() -> None:
    jobs = [job("a", State.finished, 10.0), *[job("a", State.running, 4.0)] * 2, *[job("a", State.new)] * 4]
    assert progress(jobs).seconds_left() == pytest.approx((2 * 6 + 4 * 10) / 2)


def test_a_run_that_takes_longer_than_expected_leaves_no_negative_time() -> None:
    assert progress([job("a", State.finished, 10.0), job("a", State.running, 99.0)]).seconds_left() == 0.0


def test_a_failed_job_is_over_and_a_killed_one_is_yet_to_run() -> None:
    jobs = [job("a", State.finished, 10.0), job("a", State.failed, 1.0), job("a", State.killed, 3.0)]
    assert progress(jobs).seconds_left() == 10.0


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED"])
def test_a_sweep_that_has_ended_has_no_time_left(status: str) -> None:
    assert progress([job("a", State.finished, 10.0), job("a", State.new)], status).seconds_left() is None

"""A sweep while it runs: the state of every job, what its runs have logged so far, and when it may end."""

import json
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.entities import Run

from mlplab.comparison import query
from mlplab.comparison.completeness import frozen_jobs
from mlplab.comparison.grouping import SEED
from mlplab.comparison.selection import Selection, find_own_runs, what_there_is, whole_sweep
from mlplab.comparison.states import state_of_row
from mlplab.errors import ConfigError, StoreError
from mlplab.names import member_name
from mlplab.schema import (
    ERROR_TAG,
    JOB_TAG,
    RESULT,
    SWEEP_TAG,
    TOTAL_SECONDS,
    State,
    accuracy,
    loss,
    run_state,
)
from mlplab.store.store import Store
from mlplab.store.uri import sqlite_path
from mlplab.tracking.reading import end_dead_runs

ENDED = (
    State.finished,
    State.pruned,
    State.failed,
    State.skipped,
)  # a job that was killed goes on when its sweep is resumed


@dataclass(frozen=True)
class JobProgress:
    """A job of a sweep, and its last run.

    Attributes:
        group: what it is, with any seed.
        run: that run as a row of :func:`mlplab.comparison.query.find_runs`; empty where it has none.
        error: why it failed; "" where it did not.
    """

    number: int
    name: str
    group: str
    state: State
    run: Mapping[Hashable, Any]
    error: str


@dataclass(frozen=True)
class Progress:
    """A sweep at one moment.

    Attributes:
        own: the run of its own.
        points: of the last runs: ``group`` (its place in ``groups``), ``run_id``, ``key``, ``step``, ``value``.
        at: when that was.
    """

    sweep: str
    own: Run
    jobs: list[JobProgress]
    points: pd.DataFrame
    at: pd.Timestamp

    @property
    def groups(self) -> list[str]:
        """The groups of jobs that differ in their seed alone, in the order of the jobs."""
        return list(dict.fromkeys(job.group for job in self.jobs))

    @property
    def state(self) -> State:
        """Of the sweep itself."""
        return run_state(self.own.info.status)

    @property
    def counts(self) -> dict[State, int]:
        """How many jobs are in which state."""
        found = Counter(job.state for job in self.jobs)
        return {state: found[state] for state in State if found[state]}

    def seconds_of(self, job: JobProgress) -> float | None:
        """Return how long its last run took, or has taken so far; None where that is not known."""
        if job.state is State.running:
            return max(float((self.at - job.run["start_time"]).total_seconds()), 0.0)
        seconds = job.run.get(f"metrics.{TOTAL_SECONDS}")
        return None if seconds is None or pd.isna(seconds) else float(seconds)

    def seconds_left(self) -> float | None:
        """Return about how long the sweep still runs; None where it has ended, or no run has finished yet.

        A job takes as long as those of its group that have finished, or as all that have; and as many run at once
        as do now.
        """
        finished = [job for job in self.jobs if job.state is State.finished]
        taken = {job.number: seconds for job in finished if (seconds := self.seconds_of(job)) is not None}
        if self.state is not State.running or not taken:
            return None
        left = 0.0
        for job in self.jobs:
            if job.state not in ENDED:
                own = [taken[other.number] for other in finished if other.group == job.group and other.number in taken]
                like = own or list(taken.values())
                so_far = (self.seconds_of(job) or 0.0) if job.state is State.running else 0.0
                left += max(sum(like) / len(like) - so_far, 0.0)
        return left / max(self.counts.get(State.running, 0), 1)


class WatchedSweep:
    """A sweep that is read again and again: of what can no longer change, nothing is asked twice."""

    def __init__(self, store: Store, sweep: str | None) -> None:
        """Find it: by its id, or the last one.

        Raises:
            ConfigError: there is no such sweep.
            StoreError: the store does not answer.
        """
        self._store = store
        self.sweep = whole_sweep(store, Selection(sweep)) or ""
        own = find_own_runs(store, self.sweep) if self.sweep else []
        if not own:
            asked = f"sweep={sweep}: there is none" if sweep else "sweep: there is none to watch"
            raise ConfigError(f"{asked}; {what_there_is(store)}; `python src/train.py -m ...` makes one")
        self._own = own[0].info.run_id
        self._frozen: list[Mapping[str, Any]] = []
        self._complete: dict[str, pd.DataFrame] = {}  # points of runs that have ended, by run id
        self._result: tuple[int | None, dict[int, dict[str, Any]]] = (None, {})  # of the sweep that ended then

    def read(self) -> Progress:
        """Return its progress: a request for the sweep, one for its runs, and those for points that may be new.

        Raises:
            StoreError: the store does not answer.
        """
        path = sqlite_path(self._store.uri)
        if path is not None and not Path(path).exists():
            raise StoreError(f"{path}: is not there")  # MLflow would create an empty one
        (own,) = self._store.find([self._own])
        if own.info.status == "RUNNING" and end_dead_runs(self._store):
            (own,) = self._store.find([self._own])
        self._frozen = self._frozen or frozen_jobs(self._store, own)
        runs = query.find_runs(self._store, f"tags.{SWEEP_TAG} = '{self.sweep}'")
        jobs = self._jobs(own, runs)
        return Progress(self.sweep, own, jobs, self._points(jobs), pd.Timestamp.now(tz="UTC"))

    def _jobs(self, own: Run, runs: pd.DataFrame) -> list[JobProgress]:
        last: dict[int, dict[Hashable, Any]] = {}
        for row in runs.to_dict("records"):  # latest first
            if isinstance(row.get(f"tags.{JOB_TAG}"), str):
                last.setdefault(int(row[f"tags.{JOB_TAG}"]), row)
        result = self._outcomes(own)
        return [_progress_of(job, last.get(job["number"], {}), result.get(job["number"], {})) for job in self._frozen]

    def _outcomes(self, own: Run) -> dict[int, dict[str, Any]]:
        """Return what the sweep, once it has ended, recorded of its jobs: some may have failed without a run."""
        ended = own.info.end_time if own.info.status != "RUNNING" else None
        if ended != self._result[0]:
            text = self._store.read_artifacts(self._own, RESULT)[0] or "[]"
            self._result = (ended, {outcome["job"]: outcome for outcome in json.loads(text)})
        return self._result[1]

    def _points(self, jobs: list[JobProgress]) -> pd.DataFrame:
        states = {str(job.run["run_id"]): job.state for job in jobs if job.run}
        changing = [run_id for run_id in states if states[run_id] is State.running or run_id not in self._complete]
        validates = any(f"metrics.{loss('val')}" in job.run for job in jobs)
        found = query.find_points(self._store, changing, curves_of("val" if validates else "test"))
        by_run = {str(run_id): part for run_id, part in found.groupby("run_id")}
        known = self._complete | {run_id: by_run.get(run_id, found.head(0)) for run_id in changing}
        self._complete = {run_id: known[run_id] for run_id in states if states[run_id] is not State.running}
        points = pd.concat([known[run_id] for run_id in states]) if states else found
        places = {group: place for place, group in enumerate(dict.fromkeys(job.group for job in jobs))}
        group_of = {str(job.run["run_id"]): places[job.group] for job in jobs if job.run}
        return points.assign(group=points["run_id"].map(group_of))


def curves_of(split: str) -> tuple[str, ...]:
    """Return the metrics that a split's curves are drawn of."""
    return loss("train"), loss(split), accuracy(split)


def _progress_of(job: Mapping[str, Any], run: Mapping[Hashable, Any], outcome: Mapping[str, Any]) -> JobProgress:
    order = {key: place for place, key in enumerate(job["config"])}  # as a comparison names its groups
    keys = sorted((key for key in job["varying"] if key != SEED), key=lambda key: order.get(key, len(order)))
    group = member_name({key: job["varying"][key] for key in keys}) or "all seeds"
    if not run:
        state = State(outcome.get("state", State.new))
        return JobProgress(job["number"], job["name"], group, state, run, outcome.get("error", ""))
    error = run.get(f"tags.{ERROR_TAG}")
    state = state_of_row(run)
    failed = state is State.failed and isinstance(error, str)
    return JobProgress(job["number"], job["name"], group, state, run, str(error) if failed else "")

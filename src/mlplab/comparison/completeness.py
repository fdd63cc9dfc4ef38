"""What is missing of a sweep: its jobs, as they were frozen, against the runs that have finished."""

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from mlflow.entities import Run

from mlplab.comparison.selection import find_own_runs
from mlplab.comparison.states import state_of_row
from mlplab.comparison.verdict import listed
from mlplab.names import member_name
from mlplab.network_config import TARGET_KEY
from mlplab.schema import JOB_TAG, MANIFEST, State
from mlplab.store.store import Store
from mlplab.store.texts import read_texts
from mlplab.terminal import count_of, has_or_have

log = logging.getLogger(__name__)

_GROUPS = {"data": "data.name", "network": TARGET_KEY}  # as people type them, and as runs have them
_ORDER = (State.pruned, State.failed, State.killed, State.running, State.scheduled)


def jobs_of_sweep(store: Store, sweep: str) -> list[Mapping[str, Any]]:
    """Return a sweep's jobs, as :func:`frozen_jobs` does; none where they are not known. Raises StoreError."""
    return next((jobs for own in find_own_runs(store, sweep) if (jobs := frozen_jobs(store, own))), [])


def missing_jobs(jobs: Sequence[Mapping[str, Any]], runs: pd.DataFrame) -> str:
    """Say how many jobs of a sweep have finished, and what never did; "" where none is left, or none is known."""
    return describe_missing(jobs, _states(runs))


def axes_in_part(jobs: Sequence[Mapping[str, Any]], runs: pd.DataFrame) -> list[str]:
    """Return the swept keys of a sweep some of whose jobs have not finished, and none of any other.

    Some of them may have one value among the runs so far, which then says what the runs are.
    """
    states = _states(runs)
    if all(states.get(job["number"], State.new).is_done for job in jobs):
        return []
    return [_GROUPS.get(key, key) for key in jobs[0]["varying"]]


def frozen_jobs(store: Store, own: Run) -> list[Mapping[str, Any]]:
    """Return a sweep's jobs (``number``, ``name``, ``varying``, ``config``) from its own run. Raises StoreError.

    None where the sweep has not frozen them yet, was killed in its first moment, or its manifest is damaged.
    """
    text = read_texts(store, {own.info.run_id: own.info.artifact_uri}, MANIFEST).get(own.info.run_id)
    if text is None:
        return []
    jobs = _jobs(text)
    if not jobs:
        log.warning("%s: its %s is damaged: what is missing of it is not known", own.info.run_name, MANIFEST)
    return jobs


def _jobs(manifest: str) -> list[Mapping[str, Any]]:
    """Return the jobs of a manifest, each with the keys that describe_missing reads; none where it is damaged."""
    try:
        document = json.loads(manifest)
    except ValueError:
        return []
    jobs = document.get("jobs") if isinstance(document, dict) else None
    if not isinstance(jobs, list) or not all(isinstance(job, dict) and _is_described(job) for job in jobs):
        return []
    return jobs


def _is_described(job: Mapping[str, Any]) -> bool:
    return all(isinstance(job.get(key), kind) for key, kind in (("number", int), ("name", str), ("varying", dict)))


def _states(runs: pd.DataFrame) -> dict[int, State]:
    """Return the state of every job: finished where any of its runs is, or else pruned, otherwise its last run's."""
    states: dict[int, State] = {}
    tag = f"tags.{JOB_TAG}"
    members = runs[runs[tag].notna()] if tag in runs else runs.head(0)
    for row in members.to_dict("records"):  # latest first
        number, state = int(row[tag]), state_of_row(row)
        if state is State.finished or (state is State.pruned and states.get(number) is not State.finished):
            states[number] = state
        states.setdefault(number, state)
    return states


def describe_missing(jobs: Sequence[Mapping[str, Any]], states: Mapping[int, State]) -> str:
    """Say it of jobs with ``number``, ``name`` and ``varying`` keys, and of the states of those that have a run.

    Jobs that were pruned are not missing; they are counted where others are.
    """
    counts = Counter(states.get(job["number"], State.new) for job in jobs)
    unfinished = [job for job in jobs if not states.get(job["number"], State.new).is_done]
    if not unfinished:
        return ""
    parts = [f"{counts[state]} {state}" for state in _ORDER if counts[state]]
    if counts[State.new]:
        parts.append(f"{counts[State.new]} never began")
    finished = f"{counts[State.finished]} of {count_of(len(jobs), 'run')} {has_or_have(len(jobs))} finished"
    text = f"{finished} ({', '.join(parts)})"
    if len(unfinished) == len(jobs):
        return text
    never = _values_without_result(jobs, unfinished)
    if never:
        return f"{text}; {listed(never)} never did"
    return f"{text}; unfinished: {listed([str(job['name']) for job in unfinished])}"


def _values_without_result(jobs: Sequence[Mapping[str, Any]], unfinished: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of values of one key, none of whose jobs has finished."""
    pending = {job["number"] for job in unfinished}
    names = []
    for key in jobs[0]["varying"]:
        values = dict.fromkeys(job["varying"][key] for job in jobs)
        if len(values) > 1:
            numbers = {value: {job["number"] for job in jobs if job["varying"][key] == value} for value in values}
            names += [member_name({key: value}) for value in values if numbers[value] <= pending]
    return names

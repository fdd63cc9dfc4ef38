"""The state of runs in a frame: MLflow's status, and what the tags make of it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mlplab.schema import STATE_TAG, State, run_state

_MARK = f"tags.{STATE_TAG}"


def state_of_row(run: Mapping[Any, Any]) -> State:
    """Return the state of a run that is a row of :func:`mlplab.comparison.query.find_runs`, as a mapping."""
    return run_state(run["status"], run.get(_MARK))


def states_of(runs: pd.DataFrame) -> "pd.Series[Any]":
    """Return the state of every run, by the frame's index."""
    marks = runs[_MARK] if _MARK in runs else [None] * len(runs)
    return pd.Series(list(map(run_state, runs["status"], marks)), index=runs.index, dtype=object)


def finished_of(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs that have finished; those that were pruned have not."""
    return runs[states_of(runs) == State.finished]


def count_states(runs: pd.DataFrame) -> dict[State, int]:
    """Return how many runs are in which state, the most frequent first."""
    return {State(state): int(count) for state, count in states_of(runs).value_counts().items()}

"""Which runs are compared, by default those of the last sweep; and what people name: a sweep, a run."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
from mlflow.entities import Run

from mlplab.comparison import query
from mlplab.errors import ConfigError
from mlplab.schema import COMMAND_TAG, OWN_SWEEP_TAG, SWEEP_TAG, State
from mlplab.store.store import Store
from mlplab.terminal import count_of
from mlplab.tracking.earlier import state_of

RUN_ID = re.compile(r"[0-9a-f]{32}")
_BEGINNING = re.compile(r"[0-9a-f]{8,31}")  # of a run's id


@dataclass(frozen=True)
class Selection:
    """What runs have in common; with nothing set, that they are the last sweep's.

    Attributes:
        sweep: id of a sweep.
        runs: ids of runs.
        filter: of MLflow.
    """

    sweep: str | None = None
    runs: Sequence[str] = field(default_factory=list)
    filter: str | None = None

    def __str__(self) -> str:
        parts = {"sweep": self.sweep, "runs": ",".join(self.runs), "filter": self.filter}
        return " ".join(f"{key}={value}" for key, value in parts.items() if value) or "the last sweep"


def select_runs(store: Store, selection: Selection) -> pd.DataFrame:
    """Return the runs, as :func:`mlplab.comparison.query.find_runs` does.

    Raises:
        ConfigError: there is none, or MLflow does not understand the filter.
        StoreError: the store does not answer.
    """
    clauses = []
    if selection.runs:
        clauses.append(f"attributes.run_id IN ({', '.join(map(repr, selection.runs))})")
    sweep = selection.sweep or whole_sweep(store, selection)
    if sweep is not None:
        clauses.append(f"tags.{SWEEP_TAG} = '{sweep}'")
    if selection.filter is not None:
        clauses.append(selection.filter)
    runs = query.find_runs(store, " and ".join(clauses))
    if runs.empty and sweep is not None and sweep in _sweeps(store):
        which = str(selection) if selection.sweep else f"{selection}, {sweep}"
        raise ConfigError(f"{which}: {describe_unfinished(store, sweep, 'sweep=')}")
    if runs.empty:
        raise ConfigError(f"{selection}: no run matches; {what_there_is(store)}")
    return runs


def whole_sweep(store: Store, selection: Selection) -> str | None:
    """Return the sweep whose runs are selected, all of them; None for any other choice of runs. Raises StoreError."""
    if selection.runs or selection.filter is not None:
        return None
    return selection.sweep or next(iter(_sweeps(store)), None)


def members_of(store: Store, sweep: str) -> list[Run] | None:
    """Return the runs of a sweep's members, latest first; None where there is no such sweep. Raises StoreError."""
    found = [] if set(sweep) & set("'\"`") else store.search(f"tags.{SWEEP_TAG} = '{sweep}'")
    return found if found or sweep in _sweeps(store) else None


def describe_unfinished(store: Store, sweep: str, key: str) -> str:
    """Say of a sweep that no run of it has finished, and name the last sweep that can be taken instead.

    ``key``: what is typed before a sweep's id to take it. Raises StoreError.
    """
    states = Counter(state_of(run) for run in members_of(store, sweep) or [])
    counts = ", ".join(f"{states[state]} {state}" for state in State if states[state])
    how_far = f"no run of it has finished ({counts})" if counts else "no run of it has begun"
    finished = {
        run.data.tags.get(SWEEP_TAG)
        for run in store.search("attributes.status = 'FINISHED'")
        if state_of(run) is State.finished
    }
    other = next((one for one in _sweeps(store) if one in finished), None)
    if other is None:
        return f"{how_far}, nor of another sweep; {what_there_is(store)}"
    return f"{how_far}; the last sweep that has finished runs is {other}: take {key}{other}"


def whole_run_id(store: Store, typed: str, key: str) -> str | None:
    """Return the id that this is the beginning of, 8 digits or more; None where it is of no run's.

    ``key``: what is typed before it.

    Raises:
        ConfigError: it is of several.
        StoreError: the store does not answer.
    """
    if not _BEGINNING.fullmatch(typed):
        return None
    ids = [str(run.info.run_id) for run in store.search(f"attributes.run_id LIKE '{typed}%'")]
    if len(ids) > 1:
        raise ConfigError(f"{key}{typed}: begins the ids of {len(ids)} runs; type more of one: {', '.join(ids)}")
    return ids[0] if ids else None


def find_own_runs(store: Store, sweep: str) -> list[Run]:
    """Return the runs of a sweep's own, latest first: of a resumed one there are several. Raises StoreError."""
    return [run for run in _all_own_runs(store) if _sweep_of(run) == sweep]


def _all_own_runs(store: Store) -> list[Run]:
    return store.search(f"tags.`{COMMAND_TAG}` != ''")


def _sweep_of(own: Run) -> str:
    """Return the sweep's id; older code gave its own run the tag of the members."""
    tags = own.data.tags
    return str(tags.get(OWN_SWEEP_TAG) or tags[SWEEP_TAG])


def _sweeps(store: Store) -> list[str]:
    return [_sweep_of(run) for run in _all_own_runs(store)]


def what_there_is(store: Store) -> str:
    """Say how many runs and which sweeps the experiment has. Raises StoreError."""
    sweeps, runs = _sweeps(store), len(query.find_runs(store))
    some = f": {', '.join(sweeps[:5])}{' ...' if len(sweeps) > 5 else ''}" if sweeps else ""
    return f"the experiment has {count_of(runs, 'run')} and {count_of(len(sweeps), 'sweep')}{some}"

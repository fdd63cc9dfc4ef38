"""Which runs are compared: by default those of the last sweep."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
from mlflow.entities import Run

from mlplab.comparison import query
from mlplab.errors import ConfigError
from mlplab.schema import COMMAND_TAG, OWN_SWEEP_TAG, SWEEP_TAG
from mlplab.store.store import Store
from mlplab.terminal import count_of


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
    if runs.empty:
        raise ConfigError(f"{selection}: no run matches; {what_there_is(store)}")
    return runs


def whole_sweep(store: Store, selection: Selection) -> str | None:
    """Return the sweep whose runs are selected, all of them; None for any other choice of runs. Raises StoreError."""
    if selection.runs or selection.filter is not None:
        return None
    return selection.sweep or next(iter(_sweeps(store)), None)


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

"""Which runs are meant: one by its id, the finished members of a sweep, or the best of the last sweep."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlplab.comparison.selection import (
    RUN_ID,
    Selection,
    describe_unfinished,
    members_of,
    what_there_is,
    whole_run_id,
    whole_sweep,
)
from mlplab.comparison.sweep_end import find_best
from mlplab.errors import ConfigError
from mlplab.schema import JOB_TAG, State
from mlplab.store.store import Store
from mlplab.tracking.earlier import state_of

BEST = "best"


@dataclass(frozen=True)
class Chosen:
    """Runs to run again.

    Attributes:
        run_ids: theirs; of a sweep in the order of its jobs.
        sweep: its id; None for a single run.
        left_out: how many members are not run again, by their state.
    """

    run_ids: list[str]
    sweep: str | None = None
    left_out: Mapping[State, int] = field(default_factory=dict)


def choose_runs(store: Store, typed: str) -> Chosen:
    """Return the runs that a word names: a run's id or its first 8 digits or more, a sweep's id, or ``best``.

    Raises:
        ConfigError: there is nothing of that name.
        StoreError: the store does not answer.
    """
    if typed == BEST:
        return Chosen([_best(store)])
    if RUN_ID.fullmatch(typed):
        return Chosen([typed])
    members = members_of(store, typed)
    if members is None and (run_id := whole_run_id(store, typed, "")) is not None:
        return Chosen([run_id])
    if members is None:
        raise ConfigError(
            f"{typed}: is no id of a run (32 digits, or the first 8 or more), and no sweep; {what_there_is(store)}; "
            f"or write {BEST}"
        )
    members.sort(key=lambda run: int(run.data.tags.get(JOB_TAG, 0)))
    finished = [run.info.run_id for run in members if state_of(run) is State.finished]
    left_out = Counter(state_of(run) for run in members if state_of(run) is not State.finished)
    if not finished:
        raise ConfigError(f"{typed}: {describe_unfinished(store, typed, '')}")
    return Chosen(finished, typed, left_out)


def _best(store: Store) -> str:
    sweep = whole_sweep(store, Selection())
    if sweep is None:
        raise ConfigError(f"{BEST}: is the best of the last sweep, and there is none; {what_there_is(store)}")
    best = find_best(store, sweep)
    if best is None:
        raise ConfigError(f"{BEST}, of the last sweep, {sweep}: {describe_unfinished(store, sweep, '')}")
    return best.run_id

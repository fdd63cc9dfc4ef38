"""What ends a sweep: its members ranked."""

from dataclasses import dataclass

import pandas as pd

from mlplab.comparison import query
from mlplab.comparison.completeness import axes_in_part, jobs_of_sweep
from mlplab.comparison.judging import add_stored_facts
from mlplab.comparison.ordering import best_run
from mlplab.comparison.ranking import Ranking, rank
from mlplab.comparison.states import finished_of
from mlplab.comparison.tables import OTHER_METRICS, terminal_table
from mlplab.schema import SWEEP_TAG
from mlplab.store.store import Store


@dataclass(frozen=True)
class Best:
    """The best of a sweep: the group that ranks first, and its best run."""

    name: str
    run_id: str


@dataclass(frozen=True)
class SweepComparison:
    """The members of a sweep, compared."""

    runs: pd.DataFrame
    ranking: Ranking

    def table(self) -> str:
        """Return the ranking for the terminal."""
        return terminal_table(self.ranking)


def find_best(store: Store, sweep: str, place: int = 1) -> Best | None:
    """Return the best of a sweep by its ranking; None where no run has finished. Raises StoreError.

    With place 2 it is the runner-up: of the group that ranks second, and so on.
    """
    runs = _members(store, sweep)
    if runs.empty:
        return None
    ranking = rank(runs, swept=axes_in_part(jobs_of_sweep(store, sweep), runs))
    if len(ranking.ranked) < place:
        return None
    best = ranking.ranked[place - 1]
    finished = finished_of(runs[runs["run_id"].isin(best.run_ids)])
    run_id = best_run(finished, ranking.metric, ranking.ascending)
    # Where nothing but the seed varies there is one group, without a name of its own.
    name = best.name if ranking.axes else finished.set_index("run_id").loc[run_id, "name"]
    return Best(str(name), run_id)


def compare_sweep(store: Store, sweep: str) -> SweepComparison | None:
    """Return the comparison of a sweep's members; None where it has no run. Raises StoreError."""
    runs = _members(store, sweep)
    if runs.empty:
        return None
    jobs = jobs_of_sweep(store, sweep)
    ranking = rank(runs, others=OTHER_METRICS, swept=axes_in_part(jobs, runs))
    return SweepComparison(runs, add_stored_facts(store, ranking, runs, jobs))


def _members(store: Store, sweep: str) -> pd.DataFrame:
    return query.find_runs(store, f"tags.{SWEEP_TAG} = '{sweep}'")

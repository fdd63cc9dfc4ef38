"""What ends a sweep: its members ranked, in a table and on a page."""

from dataclasses import dataclass

import pandas as pd

from mlplab.comparison import query
from mlplab.comparison.ranking import Ranking, rank
from mlplab.comparison.tables import OTHER_METRICS, terminal_table
from mlplab.schema import SWEEP_TAG
from mlplab.tracking.store import Store


@dataclass(frozen=True)
class Best:
    """The best of a sweep: the group that ranks first, and its best run."""

    name: str
    run_id: str


@dataclass(frozen=True)
class SweepComparison:
    """The members of a sweep, compared."""

    store: Store
    runs: pd.DataFrame
    ranking: Ranking

    @property
    def best(self) -> Best | None:
        """The best by the ranking; None where no run has finished."""
        ranked = self.ranking.ranked
        if not ranked:
            return None
        values = self.runs.set_index("run_id").loc[ranked[0].run_ids, f"metrics.{self.ranking.metric}"].dropna()
        return Best(ranked[0].name, str(values.idxmin() if self.ranking.ascending else values.idxmax()))

    def table(self) -> str:
        """Return the ranking for the terminal."""
        return terminal_table(self.ranking)

    def page(self, title: str) -> str:
        """Return the page. Raises StoreError."""
        from mlplab.comparison.page import render_page  # Plotly: only for who looks at charts

        return render_page(self.store, self.runs, self.ranking, title)


def compare_sweep(store: Store, sweep: str) -> SweepComparison | None:
    """Return the comparison of a sweep's members; None where it has no run. Raises StoreError."""
    runs = query.find_runs(store, f"tags.{SWEEP_TAG} = '{sweep}'")
    return None if runs.empty else SweepComparison(store, runs, rank(runs, others=OTHER_METRICS))

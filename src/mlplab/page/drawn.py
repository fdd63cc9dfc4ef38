"""What a page is drawn from, and what follows from that: made once, whichever sections show it."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from mlplab.comparison.inputs import thing_of_all
from mlplab.comparison.ranking import Group, Ranking
from mlplab.page import axis_charts, layer_charts
from mlplab.page.charts import collapsed_groups, units_of
from mlplab.page.curve_ends import whole_curves
from mlplab.page.evidence import Evidence
from mlplab.page.palette import Palette
from mlplab.page.scales import scale_of
from mlplab.page.trials import measured_runs


@dataclass(frozen=True)
class Drawn:
    """What a page is drawn from, and what follows from that."""

    runs: pd.DataFrame
    ranking: Ranking
    evidence: Evidence
    palette: Palette

    @cached_property
    def classes(self) -> int | None:
        """How many classes there are; None where no run has a confusion matrix."""
        return next((len(counts) for counts in self.evidence.confusion.values()), None)

    @cached_property
    def thing(self) -> str:
        """What the test set has: "image" or "row"."""
        return thing_of_all(self.runs)

    @cached_property
    def collapsed(self) -> set[int]:
        """Places of the groups that do not set an axis."""
        return collapsed_groups(self.ranking, self.classes)

    @cached_property
    def units(self) -> dict[int, dict[str, float]]:
        """By group: epochs and seconds per iteration."""
        return units_of(self.runs, self.evidence.points, self.ranking)

    @cached_property
    def whole(self) -> tuple[pd.DataFrame, int]:
        """The points that curves are drawn of, and how many runs that leaves out."""
        return whole_curves(self.evidence.points, self.runs)

    @cached_property
    def inside(self) -> pd.DataFrame:
        """What the diagnostics logged."""
        return layer_charts.diagnostics(self.whole[0])

    @cached_property
    def ranked(self) -> axis_charts.Ranked:
        """The ranking with the values of every run."""
        values = axis_charts.metric_values(self.runs, self.ranking)
        flat = [value for own in values.values() for value in own.values()]
        scale = scale_of(self.ranking.metric, flat, self.classes)
        return axis_charts.Ranked(self.ranking, self.palette, values, axis_charts.with_intervals(scale, self.ranking))

    @cached_property
    def measured(self) -> pd.DataFrame:
        """The runs one by one, in the order in which they began."""
        return measured_runs(self.runs, self.ranking, self.evidence.points)

    @cached_property
    def pair(self) -> tuple[Group, Group] | None:
        """The two groups that the verdict is about; None where there are no two."""
        return self.ranking.pair

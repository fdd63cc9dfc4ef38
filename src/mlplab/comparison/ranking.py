"""Groups of runs, best first: who leads, who cannot be told from the best, and what a reader must know of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pandas as pd

from mlplab.comparison.grouping import SEED, Group, axes_of, make_groups, natural, start_alike
from mlplab.comparison.importance import Importance
from mlplab.comparison.observations import contradictions, count_repeats, describe_left_out
from mlplab.comparison.ordering import loss_beside, ordered
from mlplab.comparison.separation import Separation, separate
from mlplab.comparison.states import finished_of
from mlplab.comparison.statistics import SIGNIFICANCE
from mlplab.comparison.trained_models import ModelComparison
from mlplab.comparison.verdict import conclude
from mlplab.schema import DATA_TAG, SWEEP_TAG, TIME, final_accuracy

# Who has a ranking takes its parts from here.
__all__ = ["TEST", "VALIDATION", "Group", "Ranking", "axes_of", "metric_of", "natural", "rank"]

VALIDATION, TEST = final_accuracy("val"), final_accuracy("test")
_SWEEP, _DATA = f"tags.{SWEEP_TAG}", f"tags.{DATA_TAG}"


@dataclass(frozen=True)
class Ranking:
    """Groups, best first; those without a finished run come last.

    Attributes:
        axes: the keys that make the groups.
        metric: what ranks.
        ascending: whether less is better.
        separation: of the best from each of the other ranked groups; None where that cannot be tested.
        pooled: keys that vary within the groups: a seed's value is the average over them.
        warnings: what is wrong with the runs or makes groups unlike each other.
        sweeps: ids of the sweeps that the runs are of.
        shown: the groups in the order of a table, where that is another.
        missing: what has not finished of a sweep; "" where nothing is missing, or no sweep is ranked.
        models: the best two, where each is one trained model.
        images: how many images or rows the metric is an accuracy on; None where that is not known.
        thing: what one of them is called: "image" or "row".
        importance: of the keys that vary; None where that is no question.
    """

    axes: list[str]
    metric: str
    ascending: bool
    groups: list[Group]
    separation: Separation | None
    pooled: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    sweeps: list[str] = field(default_factory=list)
    shown: list[Group] = field(default_factory=list)
    missing: str = ""
    models: ModelComparison | None = None
    images: int | None = None
    thing: str = "row"
    importance: Importance | None = None

    @property
    def rows(self) -> list[Group]:
        """The groups in the order of a table."""
        return self.shown or self.groups

    @property
    def ranked(self) -> list[Group]:
        """The groups with a finished run."""
        return [group for group in self.groups if group.summary is not None]

    @property
    def pair(self) -> tuple[Group, Group] | None:
        """The two groups whose difference the verdict states: the best and the next; None where there are not two."""
        ranked = self.ranked
        return (ranked[0], ranked[1]) if len(ranked) > 1 else None

    @property
    def conclusion(self) -> str:
        """Say who leads by how much, whether that is more than luck, and who cannot be told from the best."""
        return conclude(self.ranked, self.separation, self.models)

    @property
    def verdict(self) -> str:
        """Say what is missing, and then the conclusion."""
        return "; ".join(text for text in (self.missing, self.conclusion) if text)

    def place_of(self, group: Group) -> int | None:
        """Return its rank, from 1; equal means share it. None where no run has finished."""
        if group.summary is None:
            return None
        means = [other.mean for other in self.ranked]
        return 1 + sum(mean < group.mean if self.ascending else mean > group.mean for mean in means)

    def p_of(self, group: Group) -> float | None:
        """Return the p-value of its difference to the best; None where there is no test, and of the best itself."""
        place = next((i for i, other in enumerate(self.ranked) if other is group), 0)
        return self.separation.p[place - 1] if self.separation and place else None

    def is_level(self, group: Group) -> bool:
        """Tell whether it was tested against the best, and cannot be told from it."""
        p = self.p_of(group)
        return p is not None and p >= SIGNIFICANCE


def metric_of(runs: pd.DataFrame) -> str:
    """Return what ranks runs: validation accuracy where all that finished have it, test accuracy otherwise."""
    finished = finished_of(runs)
    column = f"metrics.{VALIDATION}"
    return VALIDATION if column in runs and len(finished) and finished[column].notna().all() else TEST


def data_sets(runs: pd.DataFrame) -> list[str]:
    """Return the names of the data sets that these runs are of."""
    return sorted(set(runs[_DATA].dropna())) if _DATA in runs else []


def rank(
    runs: pd.DataFrame,
    metric: str | None = None,
    group_by: Sequence[str] | None = None,
    others: Sequence[str] = (),
    lower_is_better: bool | None = None,
    swept: Collection[str] = (),
) -> Ranking:
    """Rank these runs, grouped by what varies.

    Args:
        runs: as :func:`mlplab.comparison.query.find_runs` returns them; one or more.
        metric: what ranks; by default validation or test accuracy.
        group_by: keys that make the groups; by default all that vary, seed excepted.
        others: further metrics to average.
        lower_is_better: of the metric; by default losses and times are, by their names.
        swept: keys that make groups by default, even where they have one value.
    """
    metric = metric or metric_of(runs)
    others = [name for name in others if name != metric]
    varying = axes_of(runs, swept)
    axes = varying if group_by is None else list(dict.fromkeys(group_by))
    pooled = [key for key in varying if key not in axes]
    ascending = ("loss" in metric or metric.startswith(TIME)) if lower_is_better is None else lower_is_better
    groups = ordered(make_groups(runs, axes, pooled, metric, others, loss_beside(metric)), ascending)
    ranked = [group for group in groups if group.summary is not None]
    separation = None
    if len(ranked) > 1 and SEED not in axes:
        separation = separate([group.observations for group in ranked], start_alike(ranked, axes))
    sweeps = sorted(set(runs[_SWEEP].dropna())) if _SWEEP in runs else []
    return Ranking(axes, metric, ascending, groups, separation, pooled, _warnings(runs, ranked, pooled), sweeps)


def _warnings(runs: pd.DataFrame, ranked: Sequence[Group], pooled: Sequence[str]) -> list[str]:
    finished = finished_of(runs)
    warnings = contradictions(finished)
    names = data_sets(finished)
    if len(names) > 1:
        warnings.append(f"the runs are of different data sets ({', '.join(names)}): that is not one task")
    repeats = count_repeats(finished)
    if repeats:
        what = "1 run repeats another and counts" if repeats == 1 else f"{repeats} runs repeat others and count"
        warnings.append(f"{what} once (same fingerprint)")
    if len({group.averaged for group in ranked}) > 1:
        counts = ", ".join(f"{group.name} {len(group.averaged)}" for group in ranked[:4])
        more = ", ..." if len(ranked) > 4 else ""
        warnings.append(
            f"the groups average different combinations of {', '.join(pooled)} ({counts}{more}): they are unlike"
        )
    for group in ranked:
        own = finished[finished["run_id"].isin(group.run_ids)]
        if pooled and (left_out := describe_left_out(own, group.observations, pooled)):
            warnings.append(f"{group.name}: {left_out}")
    return warnings

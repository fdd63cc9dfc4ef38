"""Groups of runs that differ in their seed alone, best first, and whether the best is more than luck."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf, isnan, nan

import pandas as pd

from mlplab.comparison.statistics import SIGNIFICANCE, Difference, Summary
from mlplab.names import member_name
from mlplab.schema import STATE_OF_STATUS, TIME, State, final_accuracy

SEED = "seed"
VALIDATION, TEST = final_accuracy("val"), final_accuracy("test")
# What says where a run is kept or what is watched, and not what it computes.
_PLACES = ("tracking.", "data.root", "device", "diagnostics")


@dataclass(frozen=True)
class Group:
    """Runs of one config, each with a seed of its own.

    Attributes:
        values: of the keys that vary between the groups.
        summary: of the metric that ranks, over the finished runs; None where none has finished.
        others: means of further metrics, by name.
        states: how many runs ended how.
    """

    values: dict[str, str]
    run_ids: list[str]
    summary: Summary | None
    others: dict[str, float]
    states: dict[State, int]

    @property
    def name(self) -> str:
        """What tells it from the others."""
        return member_name(self.values) or "the runs"


@dataclass(frozen=True)
class Ranking:
    """Groups, best first; those without a finished run come last.

    Attributes:
        axes: the keys that vary, seed excepted.
        metric: what ranks.
        ascending: whether less is better.
        lead: of the first over the second; None where fewer than two have a finished run.
        shown: the groups in the order of a table, where that is another.
    """

    axes: list[str]
    metric: str
    ascending: bool
    groups: list[Group]
    lead: Difference | None
    shown: list[Group] = field(default_factory=list)

    @property
    def rows(self) -> list[Group]:
        """The groups in the order of a table."""
        return self.shown or self.groups

    @property
    def ranked(self) -> list[Group]:
        """The groups with a finished run."""
        return [group for group in self.groups if group.summary is not None]

    @property
    def verdict(self) -> str:
        """Say by how much the leader leads, and whether that is more than luck."""
        if self.lead is None:
            return "" if self.ranked else "no run has finished: nothing to rank"
        first, second = (group.name for group in self.ranked[:2])
        by = f"{abs(self.lead.mean):.4f}"
        if self.lead.p is None:
            return f"{first} leads {second} by {by}; one seed: cannot tell whether that is more than noise"
        by = f"{by} ± {self.lead.half_width:.4f}"
        how = f"Welch's t-test on the seeds, p = {self.lead.p:.2g}"
        if self.lead.p < SIGNIFICANCE:
            return f"{first} is better than {second} by {by}, and that is more than noise ({how})"
        return f"{first} leads {second} by {by}, but that may be noise ({how})"


def metric_of(runs: pd.DataFrame) -> str:
    """Return what ranks runs: validation accuracy where all that finished have it, test accuracy otherwise."""
    finished = runs[runs["status"] == "FINISHED"]
    column = f"metrics.{VALIDATION}"
    return VALIDATION if column in runs and len(finished) and finished[column].notna().all() else TEST


def axes_of(runs: pd.DataFrame) -> list[str]:
    """Return the keys that vary between the runs, seed excepted."""
    keys = [column.removeprefix("params.") for column in runs.columns if column.startswith("params.")]
    varying = [key for key in keys if runs[f"params.{key}"].nunique(dropna=False) > 1]
    return [key for key in varying if key != SEED and not key.startswith(_PLACES)]


def rank(
    runs: pd.DataFrame,
    metric: str | None = None,
    group_by: Sequence[str] | None = None,
    others: Sequence[str] = (),
) -> Ranking:
    """Rank these runs, grouped by what varies.

    Args:
        runs: as :func:`mlplab.comparison.query.find_runs` returns them; one or more.
        metric: what ranks; by default validation or test accuracy. A loss ranks the other way round.
        group_by: keys that make the groups; by default all that vary, seed excepted.
        others: further metrics to average.
    """
    metric = metric or metric_of(runs)
    others = [name for name in others if name != metric]
    axes = axes_of(runs) if group_by is None else list(group_by)
    columns = [f"params.{axis}" for axis in axes]
    parts = [((), runs)] if not columns else list(runs.groupby(columns, dropna=False, sort=False))
    groups = [_group(dict(zip(axes, map(str, key), strict=True)), part, metric, others) for key, part in parts]
    ascending = "loss" in metric or metric.startswith(TIME)

    def place(group: Group) -> tuple[bool, float]:
        if group.summary is None:
            return True, 0.0
        return False, group.summary.mean if ascending else -group.summary.mean

    groups.sort(key=place)
    return Ranking(axes, metric, ascending, groups, _lead(runs, groups, metric))


def _group(values: dict[str, str], runs: pd.DataFrame, metric: str, others: Sequence[str]) -> Group:
    finished = runs[runs["status"] == "FINISHED"]
    measured = _column(finished, metric).dropna()
    return Group(
        values,
        list(runs["run_id"]),
        Summary.of(list(measured)) if len(measured) else None,
        {name: float(_column(finished, name).mean()) for name in others},
        {STATE_OF_STATUS[status]: int(count) for status, count in runs["status"].value_counts().items()},
    )


def _lead(runs: pd.DataFrame, groups: Sequence[Group], metric: str) -> Difference | None:
    ranked = [group for group in groups if group.summary is not None]
    if len(ranked) < 2:
        return None
    finished = runs[runs["status"] == "FINISHED"].set_index("run_id")
    one, other = (
        list(_column(finished.loc[finished.index.intersection(group.run_ids)], metric).dropna())
        for group in ranked[:2]
    )
    return Difference.of(one, other)


def natural(value: str) -> tuple[float, str]:
    """Return what sorts numbers by size, and other values after them by name."""
    try:
        number = float(value)
    except ValueError:
        number = nan
    return (inf, value) if isnan(number) else (number, "")


def _column(runs: pd.DataFrame, metric: str) -> "pd.Series[float]":
    name = f"metrics.{metric}"
    return runs[name] if name in runs else pd.Series(dtype=float)

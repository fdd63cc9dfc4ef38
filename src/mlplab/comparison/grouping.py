"""Groups of runs: what varies makes them, and each has one observation per seed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import inf, isnan, nan

import pandas as pd

from mlplab.comparison.observations import combinations, observe, text_of
from mlplab.comparison.states import count_states, finished_of
from mlplab.comparison.statistics import Summary
from mlplab.names import member_name
from mlplab.network_config import TARGET_KEY, is_of_some_network
from mlplab.schema import JOB_TAG, State

SEED = "seed"
_JOB = f"tags.{JOB_TAG}"
# What says where a run is kept or what is watched, and not what it computes.
_PLACES = ("tracking.", "data.root", "device", "diagnostics")
# Keys that change neither the initial weights nor the batches of a seed.
_SAME_START = {
    "activation", "dtype", "engine", "epochs", "iterations", "learning_rate", "learning_rate_decay", "log_every",
    "loss", "optimizer", "penalty", "weight_decay",
}  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Runs that have the keys in common that make the groups.

    Attributes:
        values: of the keys that vary between the groups, as text.
        summary: of the metric that ranks, over the observations; None where no run has finished.
        others: means of further metrics over their observations, by name.
        states: how many runs ended how.
        observations: one value of the metric per seed, by the seed; what is tested.
        averaged: combinations of pooled keys that each observation is the average of.
        loss: its mean over the seeds, of the loss that breaks ties of the metric; NaN where there is none.
        job: the lowest number that a run of it has in its sweep; None outside of sweeps.
    """

    values: dict[str, str]
    run_ids: list[str]
    summary: Summary | None
    others: dict[str, float]
    states: dict[State, int]
    observations: dict[str, float] = field(default_factory=dict)
    averaged: frozenset[tuple[str, ...]] = frozenset()
    loss: float = nan
    job: int | None = None

    @property
    def name(self) -> str:
        """What tells it from the others."""
        return member_name(self.values) or "the runs"

    @property
    def mean(self) -> float:
        """Of the metric that ranks, without what the order of a sum changes; NaN where no run has finished."""
        return nan if self.summary is None else round(self.summary.mean, 12)


def axes_of(runs: pd.DataFrame, swept: Collection[str] = ()) -> list[str]:
    """Return the keys that vary between the runs, or are ``swept``; seed excepted.

    A key of one network varies where it does between the runs of that network: the others do not have it.
    """
    keys = [column.removeprefix("params.") for column in runs.columns if column.startswith("params.")]
    varying = [key for key in keys if key in swept or _varies(runs, key)]
    return [key for key in varying if key != SEED and not key.startswith(_PLACES)]


def _varies(runs: pd.DataFrame, key: str) -> bool:
    column, network = f"params.{key}", f"params.{TARGET_KEY}"
    if not is_of_some_network(key) or network not in runs:
        return bool(runs[column].nunique(dropna=False) > 1)
    return bool(runs.groupby(network, dropna=False)[column].nunique(dropna=False).max() > 1)


def make_groups(
    runs: pd.DataFrame,
    axes: Sequence[str],
    pooled: Sequence[str],
    metric: str,
    others: Sequence[str],
    loss: str | None = None,
) -> list[Group]:
    """Return the groups of runs with equal values of the axes; averages within a seed go over the pooled keys.

    ``metric`` ranks, ``loss`` breaks its ties, ``others`` are averaged besides.
    """
    columns = [f"params.{axis}" for axis in axes]
    parts = [((), runs)] if not columns else list(runs.groupby(columns, dropna=False, sort=False))
    return [
        _group(dict(zip(axes, map(text_of, key), strict=True)), part, pooled, metric, others, loss)
        for key, part in parts
    ]


def _group(
    values: dict[str, str],
    runs: pd.DataFrame,
    pooled: Sequence[str],
    metric: str,
    others: Sequence[str],
    loss: str | None,
) -> Group:
    finished = finished_of(runs)
    observations = observe(finished, metric, pooled)
    return Group(
        values,
        list(runs["run_id"]),
        Summary.of(list(observations.values())) if observations else None,
        {name: _mean(observe(finished, name, pooled).values()) for name in others},
        count_states(runs),
        observations,
        frozenset(combinations(finished, pooled)),
        nan if loss is None else round(_mean(observe(finished, loss, pooled).values()), 12),
        _first_job(runs),
    )


def _first_job(runs: pd.DataFrame) -> int | None:
    numbers = runs[_JOB].dropna() if _JOB in runs else []
    return min(map(int, numbers), default=None)


def start_alike(groups: Sequence[Group], axes: Sequence[str]) -> bool:
    """Tell whether equal seeds have the same initial weights and batches in all groups, and average the same."""
    return set(axes) <= _SAME_START and len({group.averaged for group in groups}) <= 1


def natural(value: str) -> tuple[float, str]:
    """Return what sorts numbers by size, and other values after them by name."""
    try:
        number = float(value)
    except ValueError:
        number = nan
    return (inf, value) if isnan(number) else (number, "")


def _mean(values: Collection[float]) -> float:
    return sum(values) / len(values) if values else nan

"""Which of several groups stands first, equal means included: the same one whenever the same runs are ranked."""

from collections.abc import Sequence
from math import inf, isnan

import pandas as pd

from mlplab.comparison.grouping import Group, natural
from mlplab.schema import JOB_TAG, final_accuracy, final_loss

_LOSS_OF = {final_accuracy(split): final_loss(split) for split in ("train", "val", "test")}


def loss_beside(metric: str) -> str | None:
    """Return the loss that breaks ties of this metric: of an accuracy that of the same split, and otherwise None."""
    return _LOSS_OF.get(metric)


def ordered(groups: Sequence[Group], ascending: bool) -> list[Group]:
    """Return the groups, best first; those without a finished run come last.

    Of equal means the lower loss is first, then the lower number of a job in its sweep, then the values by size and
    name.

    Args:
        groups: whose values differ.
        ascending: whether less is better.
    """
    return sorted(groups, key=lambda group: (_goodness(group, ascending), *_among_equals(group)))


def _goodness(group: Group, ascending: bool) -> tuple[bool, float]:
    if group.summary is None:
        return (True, 0.0)
    return (False, group.mean if ascending else -group.mean)


def _among_equals(group: Group) -> tuple[float, float, list[tuple[float, str]]]:
    loss = inf if isnan(group.loss) else group.loss
    return (loss, inf if group.job is None else group.job, [natural(value) for value in group.values.values()])


def best_run(finished: pd.DataFrame, metric: str, ascending: bool) -> str:
    """Return the id of the best of a group's runs, equal ones in the same order as groups."""
    loss, none = loss_beside(metric), pd.Series(inf, index=finished.index)
    measured = pd.DataFrame(
        {
            "value": finished[f"metrics.{metric}"] * (1 if ascending else -1),
            "loss": finished.get(f"metrics.{loss}", none),
            "job": pd.to_numeric(finished.get(f"tags.{JOB_TAG}", none)),
            "run_id": finished["run_id"],
        }
    ).dropna(subset="value")
    return str(measured.sort_values(["value", "loss", "job", "run_id"])["run_id"].iloc[0])


def describe_tie(ranked: Sequence[Group], metric: str, loss: str) -> str:
    """Say which of the groups that tie for the best is put first, and by what; "" where none does.

    Args:
        ranked: groups with a finished run, best first.
        metric, loss: what a reader calls the metric that ranks, and the loss that breaks its ties.
    """
    count = sum(group.mean == ranked[0].mean for group in ranked)
    if count < 2:
        return ""
    first, second = (_among_equals(group) for group in ranked[:2])
    if first[0] < second[0]:
        by = f"its lower {loss}"
    else:
        by = "the order of the sweep" if first[1] < second[1] else "its name"
    return f"{count} groups tie for the best {metric}: {ranked[0].name} is put first by {by}"

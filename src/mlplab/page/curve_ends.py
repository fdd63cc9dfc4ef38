"""Curves of runs that end at different steps: what is averaged, and what is drawn run by run."""

from typing import Any

import pandas as pd

from mlplab.comparison.states import finished_of, states_of
from mlplab.page.charts import Chart, every_nth, rounded, thin
from mlplab.page.palette import Palette
from mlplab.schema import STOPPED_TAG, State

_STOPPED = f"tags.{STOPPED_TAG}"
MARKER = "x-thin-open"  # where a run was pruned


def whole_curves(points: pd.DataFrame, runs: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the points that can be averaged, and how many unfinished runs that leaves out.

    A mean jumps where one of its runs ends early. So the points of a group whose runs stopped early end with the first
    of them, and those of unfinished runs are left out; a group of which no run has finished keeps its runs. Pruned
    runs are not counted: each has a line of its own.
    """
    finished = points["run_id"].isin(finished_of(runs)["run_id"])
    partly = ~finished & points["group"].isin(points.loc[finished, "group"])
    left_out = points.loc[partly & ~is_pruned(points, runs), "run_id"].nunique()
    return _until_first_end(points[~partly], runs), int(left_out)


def is_pruned(points: pd.DataFrame, runs: pd.DataFrame) -> "pd.Series[bool]":
    """Return which points are of runs that were pruned."""
    return points["run_id"].isin(runs.loc[states_of(runs) == State.pruned, "run_id"])


def _until_first_end(points: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    if _STOPPED not in runs:
        return points
    stopped = points["run_id"].isin(runs.loc[runs[_STOPPED].notna(), "run_id"])
    last = points[stopped].groupby(["group", "run_id"])["step"].max().groupby("group").min()
    return points[~(points["step"] > points["group"].map(last))]


def add_pruned(charts: list[Chart], points: pd.DataFrame, keys: list[str], palette: Palette, name: str) -> None:
    """Draw into the charts of :func:`mlplab.page.charts.curve_charts` a line for each pruned run.

    A cross at its end says where it was stopped.

    Args:
        charts: of the metrics ``keys``, by their ids.
        points: of pruned runs: ``group``, ``run_id``, ``key``, ``step``, ``value``.
        keys: of the metrics.
        palette: of the groups.
        name: what the charts' ids begin with.
    """
    by_id = {chart.name: chart for chart in charts}
    for key in keys:
        chart, rows = by_id.get(f"{name}-{key.replace('/', '-')}"), points[points["key"] == key]
        if chart is not None:
            every = max(chart.every, every_nth(len(rows)))
            lines = rows.groupby(["group", "run_id"])
            chart.figure.add_traces([_line(part, palette, int(group), every) for (group, _), part in lines])


def _line(part: pd.DataFrame, palette: Palette, place: int, every: int) -> dict[str, Any]:
    part = thin(part, every)
    return {
        "type": "scatter",
        "name": palette.names[place],
        "x": [int(step) for step in part["step"]],
        "y": rounded(part["value"]),
        "mode": "lines+markers",
        "line": {"width": 1},
        "marker": {"symbol": MARKER, "size": [0] * (len(part) - 1) + [9], "line": {"width": 2}},
        "meta": {"group": place, "units": {}},
    }

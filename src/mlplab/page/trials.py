"""Runs one by one, in the order in which they began: each against one key, and the best so far."""

from collections.abc import Sequence
from html import escape
from math import log10
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mlplab import schema
from mlplab.comparison.ranking import Ranking
from mlplab.comparison.states import states_of
from mlplab.page.axis_charts import Ranked, axis_values, log_places
from mlplab.page.charts import LAYOUT, Chart, log_axis, rounded
from mlplab.page.curve_ends import MARKER

DECADES = 2.0  # that the values of a key span on a logarithmic axis, at least
MOST_TICKS = 8
_CURVES = {
    final(split): curve(split)
    for split in ("train", "val", "test")
    for final, curve in ((schema.final_accuracy, schema.accuracy), (schema.final_loss, schema.loss))
}


def measured_runs(runs: pd.DataFrame, ranking: Ranking, points: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run that was measured, in the order in which they began.

    Columns: ``group`` (its place in the ranking), ``value`` (of the metric that ranks), ``pruned``, and ``seconds`` of
    training, missing where they are not known. The value of a pruned run is the last one of its curve.

    Args:
        runs: that were ranked, as :func:`mlplab.comparison.query.find_runs` returns them.
        ranking: of them.
        points: of their curves: ``run_id``, ``key``, ``step``, ``value``.
    """
    groups = {run_id: place for place, group in enumerate(ranking.groups) for run_id in group.run_ids}
    states = states_of(runs)
    curve = points[points["key"] == _CURVES.get(ranking.metric)].sort_values("step")
    last = curve.groupby("run_id")["value"].last()
    unknown = pd.Series(np.nan, index=runs.index)
    final = runs.get(f"metrics.{ranking.metric}", unknown)
    rows = pd.DataFrame(
        {
            "group": runs["run_id"].map(groups),
            "value": final.where(states == schema.State.finished, runs["run_id"].map(last)),
            "pruned": states == schema.State.pruned,
            "seconds": runs.get(f"metrics.{schema.TRAIN_SECONDS}", unknown),
            "start": runs["start_time"],
            "run_id": runs["run_id"],
        }
    )
    kept = states.isin([schema.State.finished, schema.State.pruned]) & rows["value"].notna()
    return rows[kept].sort_values(["start", "run_id"], ignore_index=True)


def slices(ranked: Ranked, rows: pd.DataFrame) -> list[Chart]:
    """Draw every run against each key that varies.

    Args:
        ranked: says which keys vary.
        rows: see :func:`measured_runs`.
    """
    return [_slice(ranked, rows, axis) for axis in ranked.ranking.axes]


def _slice(ranked: Ranked, rows: pd.DataFrame, axis: str) -> Chart:
    texts = [ranked.ranking.groups[place].values[axis] for place in rows["group"]]
    values = axis_values(ranked.ranking.groups, axis)
    numbers = numbers_of(values)
    figure = go.Figure()
    if numbers is None:
        places: dict[str, Any] = {value: escape(value) for value in values}
        figure.update_xaxes(type="category", categoryorder="array", categoryarray=list(places.values()))
    else:
        is_log = spans_decades(numbers)
        places = dict(log_places(values)) if is_log else dict(zip(values, numbers, strict=True))
        if is_log:
            figure.update_xaxes(**log_axis(log10(min(places.values())) - 0.1, log10(max(places.values())) + 0.1))
        if len(values) <= MOST_TICKS:
            figure.update_xaxes(tickvals=list(places.values()), ticktext=[escape(value) for value in values])
    figure.add_traces(_dots(ranked, rows, [places[text] for text in texts], texts))
    figure.update_layout(**LAYOUT, height=280)
    figure.update_xaxes(title_text=escape(axis))
    figure.update_yaxes(title_text=ranked.metric, range=[ranked.scale.low, ranked.scale.high])
    alt = f"{ranked.metric} of each of {len(rows)} runs against {axis}, which has {len(values)} values"
    return Chart(f"slice-{axis.replace('.', '-')}", f"{ranked.metric.capitalize()} against {axis}", alt, figure)


def numbers_of(values: Sequence[str]) -> list[float] | None:
    """Return the numbers that all these values are; None where one is none."""
    try:
        return [float(value) for value in values]
    except ValueError:
        return None


def spans_decades(numbers: Sequence[float]) -> bool:
    """Tell whether numbers belong on a logarithmic axis; a zero has a place at its left end."""
    positive = [number for number in numbers if number > 0]
    return min(numbers) >= 0 and len(positive) > 1 and log10(max(positive) / min(positive)) >= DECADES


def _dots(ranked: Ranked, rows: pd.DataFrame, xs: Sequence[object], said: Sequence[str]) -> list[dict[str, Any]]:
    """Return a trace of the finished runs, and one of those that were pruned; ``said``: where each is, in words."""
    scale, traces = ranked.scale, []
    for is_pruned, what, marker in ((False, "", {"size": 8}), (True, "pruned: ", {"size": 9, "line": {"width": 2}})):
        own = [at for at, pruned in enumerate(rows["pruned"]) if pruned == is_pruned]
        if not own:
            continue
        values = rows["value"].iloc[own]
        symbols = [scale.symbol(value, "triangle-down", "triangle-up") for value in values]
        traces.append(
            {
                "type": "scatter",
                "name": "pruned" if is_pruned else "finished",
                "mode": "markers",
                "x": [xs[i] for i in own],
                "y": rounded([scale.clamp(value) for value in values]),
                "customdata": rounded(values),
                "text": [f"{ranked.palette.names[rows['group'].iloc[i]]}, {escape(said[i])}" for i in own],
                "cliponaxis": False,
                "marker": {**marker, "symbol": MARKER if is_pruned else symbols},
                "hovertemplate": f"{what}%{{customdata}}<extra>%{{text}}</extra>",
                "meta": {"slot": None if is_pruned else 0},
            }
        )
    return traces


def best_so_far(ranked: Ranked, rows: pd.DataFrame) -> list[Chart]:
    """Draw the best value against the runs and, where they are known, against the seconds of training.

    Pruned runs are shown and never the best.

    Args:
        ranked: says which values are better.
        rows: see :func:`measured_runs`.
    """
    runs = _best(ranked, rows, np.arange(1, len(rows) + 1), "runs", "best-runs")
    if rows["seconds"].isna().any():
        return [runs]
    return [runs, _best(ranked, rows, rows["seconds"].cumsum(), "seconds of training, all runs", "best-seconds")]


def _best(ranked: Ranked, rows: pd.DataFrame, spent: Any, unit: str, name: str) -> Chart:
    scale = ranked.scale
    xs = rounded(spent)
    counted = rows["value"].where(~rows["pruned"])
    best = (counted.cummin() if ranked.ranking.ascending else counted.cummax()).ffill()
    line = {
        "type": "scatter",
        "name": "best so far",
        "mode": "lines",
        "x": xs,
        "y": [None if pd.isna(value) else scale.clamp(value) for value in best],
        "line": {"width": 2, "shape": "hv"},
        "hovertemplate": "best so far: %{y}<extra></extra>",
        "meta": {"slot": 1},
    }
    figure = go.Figure([line, *_dots(ranked, rows, xs, [f"run {i + 1}" for i in range(len(rows))])])
    figure.update_layout(**LAYOUT, height=320)
    figure.update_xaxes(title_text=unit, rangemode="tozero")
    figure.update_yaxes(title_text=ranked.metric, range=[scale.low, scale.high])
    last = best.iloc[-1]
    reached = (
        "no run has finished" if pd.isna(last) else f"{last:.4f}, reached by run {int(best.eq(last).idxmax()) + 1}"
    )
    title = f"Best {ranked.metric} against {unit.partition(',')[0]}"
    return Chart(name, title, f"{title}: {reached} of {len(rows)}", figure)

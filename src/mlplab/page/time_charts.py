"""How long groups of runs take to reach an accuracy."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mlplab.page.charts import Chart, list_down, rounded
from mlplab.page.palette import Palette

TARGETS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99)


def first_reached(points: pd.DataFrame, target: float) -> pd.DataFrame:
    """Return one row per run, ``group``, ``run_id`` and ``step``: where it first reached the accuracy, or NaN.

    Args:
        points: of an accuracy: ``group``, ``run_id``, ``step``, ``value``.
        target: the accuracy.
    """
    reached = points[points["value"] >= target].groupby("run_id")["step"].min().rename("step")
    return points[["group", "run_id"]].drop_duplicates().join(reached, on="run_id")


def time_to_accuracy(
    points: pd.DataFrame, palette: Palette, units: dict[int, dict[str, float]]
) -> tuple[Chart, dict[str, str]] | None:
    """Draw when each run first reached an accuracy, and return the targets for the section's switch.

    None where no run reached any, or where it is not known how long an iteration took.
    """
    reached = [target for target in TARGETS if len(points) and points["value"].max() >= target]
    timed = points[points["group"].isin([place for place, own in units.items() if "seconds" in own])]
    if not reached or timed.empty:
        return None
    traces: list[dict[str, Any]] = []
    for target in reversed(reached):
        firsts = first_reached(timed, target)
        firsts["seconds"] = firsts["step"] * firsts["group"].map(lambda place: units[place]["seconds"])
        never = 1.08 * firsts["seconds"].max() if firsts["seconds"].notna().any() else 1.0
        traces += [_dots(part, palette, int(place), target, never) for place, part in firsts.groupby("group")]
    names = [palette.names[place] for place in sorted(timed["group"].unique())]
    figure = go.Figure(traces)
    figure.update_xaxes(title_text="seconds of training", rangemode="tozero")
    list_down(figure, names)
    chart = Chart("time", "Time to accuracy", "seconds until each run first reached an accuracy, by group", figure)
    return chart, {f"{target:g}": f"{target:g}" for target in reversed(reached)}


def _dots(part: pd.DataFrame, palette: Palette, place: int, target: float, never: float) -> dict[str, Any]:
    seconds = part["seconds"].to_numpy(dtype=float)
    return {
        "type": "scatter",
        "name": palette.names[place],
        "mode": "markers",
        "x": rounded(np.where(np.isnan(seconds), never, seconds)),
        "y": [palette.names[place]] * len(part),
        "customdata": ["never" if np.isnan(value) else f"{value:.3g} s" for value in seconds],
        "marker": {"size": 9, "symbol": ["triangle-right" if np.isnan(value) else "circle" for value in seconds]},
        "hovertemplate": "%{customdata}<extra>%{y}</extra>",
        "meta": {"group": place, "choice": {"target": f"{target:g}"}},
    }

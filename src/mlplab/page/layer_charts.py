"""What the diagnostics say of groups of runs: whether gradients arrive, units respond, and weights move."""

from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from mlplab import schema
from mlplab.comparison.ranking import Group
from mlplab.network_config import TARGET_KEY
from mlplab.page.charts import LAYOUT, UNITS, Chart, every_nth, log_axis, rounded, thin
from mlplab.page.palette import Palette

EARLY = 0.1  # share of the training that "early" means
ENOUGH_POINTS = 5  # early ones, for a sentence
TELLING_FACTOR = 3.0  # a smaller one explains nothing
_KEY = r"within/layer_(?P<layer>\d+)_(?P<measure>\w+)"
MEASURES = {
    "gradient_norm": "gradient norm",
    "update_ratio": "update / weight",
    "unresponsive": "share saturated or dead",
}


def diagnostics(points: pd.DataFrame) -> pd.DataFrame:
    """Return means over the runs of each group: one row per ``group``, ``measure``, ``layer`` and ``step``.

    Saturated units (sigmoid, tanh) and dead ones (relu) are one measure, ``unresponsive``.
    """
    parts = points["key"].str.extract(_KEY)
    inside = points.assign(**parts).dropna(subset=["layer"])
    inside["layer"] = inside["layer"].astype(int)
    inside["measure"] = inside["measure"].replace(dict.fromkeys(schema.UNRESPONSIVE, "unresponsive"))
    return inside.groupby(["group", "measure", "layer", "step"], as_index=False)["value"].mean()


def early(inside: pd.DataFrame) -> pd.DataFrame:
    """Return means over each group's first tenth of steps (its first point at least), and how many points they are of.

    One row per ``group``, ``measure`` and ``layer``, with ``value`` and ``count``.
    """
    last, first = (inside.groupby("group")["step"].transform(how) for how in ("max", "min"))
    begin = inside[inside["step"] <= np.maximum(EARLY * last, first)]
    means = begin.groupby(["group", "measure", "layer"], as_index=False)["value"].agg(value="mean", count="size")
    return means.reset_index(drop=True)


def reach(inside: pd.DataFrame, enough: int = 1) -> dict[int, float]:
    """Return, by group, the early gradient norm of the first layer as a share of the last layer's.

    Of the groups that have ``enough`` early points or more.
    """
    norms = early(inside).query("measure == 'gradient_norm'")
    ratios = {}
    for group, part in norms.groupby("group"):
        values = part.sort_values("layer")["value"].to_numpy()
        if len(values) > 1 and values[-1] > 0 and part["count"].min() >= enough:
            ratios[int(group)] = float(values[0] / values[-1])
    return ratios


def explain_difference(inside: pd.DataFrame, places: tuple[int, int], pair: tuple[Group, Group]) -> str:
    """Say how much better the gradient reaches the first layer in one group of the verdict's pair than in the other.

    "" where that explains nothing: the two have the same activation or are other networks, the factor is 3 or less, or
    there are fewer than five early points.

    Args:
        inside: as :func:`diagnostics` returns it.
        places: of the two groups.
        pair: the groups themselves.
    """
    activations = [group.values.get("activation") for group in pair]
    networks = [group.values.get(TARGET_KEY) for group in pair]
    ratios = reach(inside[inside["group"].isin(places)], ENOUGH_POINTS)
    if activations[0] == activations[1] or networks[0] != networks[1] or len(ratios) < 2:
        return ""
    by_reach = sorted(zip(places, pair, strict=True), key=lambda one: ratios[one[0]])
    (worst, poor), (best, good) = by_reach
    if ratios[best] <= TELLING_FACTOR * ratios[worst]:
        return ""
    weaker = f"{ratios[best] / ratios[worst]:.3g} times weaker" if ratios[worst] else "does not arrive"
    arrives = f"it arrives {weaker}" if ratios[worst] else f"it {weaker}"
    return (
        f"In the first tenth of training the gradient at layer 1 is {ratios[worst]:.2g} times that at the last layer "
        f"with {poor.name}, {ratios[best]:.2g} times with {good.name}: {arrives}."
    )


def layer_charts(inside: pd.DataFrame, palette: Palette) -> list[Chart]:
    """Draw the early means of every measure over the layers, a line per group."""
    begin = early(inside)
    charts = []
    for measure, name in MEASURES.items():
        rows = begin[begin["measure"] == measure]
        if rows.empty:
            continue
        traces = [_trace(part, "layer", palette, int(place)) for place, part in rows.groupby("group")]
        figure = go.Figure([{**trace, "mode": "lines+markers"} for trace in traces])
        figure.update_layout(**LAYOUT, height=320)
        figure.update_xaxes(title_text="layer", dtick=1)
        _measure_axis(figure, measure, rows)
        title = f"{name.capitalize()}, early"
        charts.append(Chart(f"early-{measure}", title, f"{name} of every layer, a line per group", figure))
    return charts


def over_time(inside: pd.DataFrame, palette: Palette, units: dict[int, dict[str, float]]) -> list[Chart]:
    """Draw every measure over the training; a switch chooses the layer."""
    charts = []
    for measure, name in MEASURES.items():
        rows = inside[inside["measure"] == measure]
        if rows.empty:
            continue
        every = every_nth(len(rows))
        traces = []
        for (place, layer), part in rows.groupby(["group", "layer"]):
            trace = _trace(thin(part, every), "step", palette, int(place))
            trace["meta"] |= {"choice": {"layer": str(layer)}, "units": units.get(int(place), {})}
            traces.append(trace)
        figure = go.Figure(traces)
        figure.update_layout(**LAYOUT, height=320)
        figure.update_xaxes(title_text=UNITS["iteration"])
        _measure_axis(figure, measure, rows)
        alt = f"{name} of one layer over the training, a line per group"
        charts.append(Chart(f"inside-{measure}", name.capitalize(), alt, figure, every=every))
    return charts


def _trace(part: pd.DataFrame, x: str, palette: Palette, place: int) -> dict[str, Any]:
    return {
        "type": "scatter",
        "name": palette.names[place],
        "x": [int(value) for value in part[x]],
        "y": rounded(part["value"]),
        "mode": "lines" if len(part) > 1 else "markers",
        "meta": {"group": place},
    }


def _measure_axis(figure: go.Figure, measure: str, rows: pd.DataFrame) -> None:
    """Set the axis: shares from 0 to 1, all else logarithmic, where zeros and a few extremes do not set it."""
    figure.update_yaxes(title_text=escape(MEASURES[measure]), exponentformat="power")
    if measure == "unresponsive":
        figure.update_yaxes(range=[-0.02, 1.02])
        return
    positive = rows["value"][(rows["value"] > 0) & np.isfinite(rows["value"])]
    if len(positive):
        low, high = np.log10(np.quantile(positive, [0.005, 0.995]))
        figure.update_yaxes(**log_axis(float(low) - 0.1, float(high) + 0.1))

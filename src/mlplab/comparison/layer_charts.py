"""What the diagnostics say of groups of runs: whether gradients arrive, units respond, and weights move."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mlplab.comparison.charts import LAYOUT, Palette

EARLY = 0.1  # share of the training that "early" means
_KEY = r"within/layer_(?P<layer>\d+)_(?P<measure>gradient_norm|update_ratio|saturated|dead)"
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
    inside["measure"] = inside["measure"].replace({"saturated": "unresponsive", "dead": "unresponsive"})
    return inside.groupby(["group", "measure", "layer", "step"], as_index=False)["value"].mean()


def early(inside: pd.DataFrame) -> pd.DataFrame:
    """Return the means over each group's first tenth of steps (its first point at least): one row per layer."""
    last, first = (inside.groupby("group")["step"].transform(how) for how in ("max", "min"))
    begin = inside[inside["step"] <= np.maximum(EARLY * last, first)]
    return begin.groupby(["group", "measure", "layer"], as_index=False)["value"].mean()


def reach(inside: pd.DataFrame) -> dict[int, float]:
    """Return, by group, the early gradient norm of the first layer as a share of the last layer's."""
    norms = early(inside).query("measure == 'gradient_norm'")
    ratios = {}
    for group, part in norms.groupby("group"):
        values = part.sort_values("layer")["value"].to_numpy()
        if len(values) > 1 and values[-1] > 0:
            ratios[int(group)] = float(values[0] / values[-1])
    return ratios


def explain_difference(inside: pd.DataFrame, palette: Palette) -> str:
    """Say of which group the gradient reaches the first layer best and worst; "" where there is nothing to compare."""
    ratios = reach(inside)
    if len(ratios) < 2:
        return ""
    best, worst = max(ratios, key=lambda g: ratios[g]), min(ratios, key=lambda g: ratios[g])
    weaker = f"{ratios[best] / ratios[worst]:.3g} times weaker" if ratios[worst] else "not at all"
    return (
        f"In the first tenth of training the gradient at layer 1 is {ratios[worst]:.2g} times that at the last layer "
        f"with {palette.names[worst]}, {ratios[best]:.2g} times with {palette.names[best]}: it arrives {weaker}."
    )


def by_layer(inside: pd.DataFrame, palette: Palette) -> go.Figure:
    """Draw the early means of every measure over the layers, a line per group."""
    figure = make_subplots(1, 3, subplot_titles=list(MEASURES.values()))
    begin = early(inside)
    for column, measure in enumerate(MEASURES, start=1):
        for place, part in begin[begin["measure"] == measure].groupby("group"):
            trace = go.Scatter(
                x=part["layer"],
                y=part["value"],
                mode="lines+markers",
                line={"color": palette.colors[int(place)]},
                **palette.style(int(place), show_legend=column == 1),
            )
            figure.add_trace(trace, 1, column)
    figure.update_xaxes(title_text="layer", dtick=1)
    for column in (1, 2):
        figure.update_yaxes(type="log", exponentformat="power", col=column)
    figure.update_yaxes(range=[-0.02, 1.02], col=3)
    figure.update_layout(**LAYOUT, height=400)
    return figure


def over_time(inside: pd.DataFrame, palette: Palette) -> go.Figure:
    """Draw one measure of one layer over the iterations, to be chosen from a menu; groups shown at first only."""
    shown = inside[inside["group"].isin(palette.shown)]
    choices = [(measure, layer) for measure in MEASURES for layer in sorted(shown["layer"].unique())]
    figure = go.Figure()
    menu: list[dict[str, Any]] = []
    owners: list[tuple[str, int]] = []
    for measure, layer in choices:
        rows = shown[(shown["measure"] == measure) & (shown["layer"] == layer)]
        for place, part in rows.groupby("group"):
            style = {**palette.style(int(place)), "visible": (measure, layer) == choices[0]}
            line = {"color": palette.colors[int(place)]}
            figure.add_trace(go.Scatter(x=part["step"], y=part["value"], mode="lines", line=line, **style))
            owners.append((measure, int(layer)))
    for measure, layer in choices:
        visible = [owner == (measure, layer) for owner in owners]
        if any(visible):
            axis = {"yaxis.type": "linear" if measure == "unresponsive" else "log"}
            label = f"{MEASURES[measure]}, layer {layer}"
            menu.append({"label": label, "method": "update", "args": [{"visible": visible}, axis]})
    figure.update_xaxes(title_text="iteration (parameter updates)")
    figure.update_yaxes(type="log", exponentformat="power")
    figure.update_layout(
        **LAYOUT, height=400, showlegend=True, updatemenus=[{"buttons": menu, "x": 0, "xanchor": "left", "y": 1.2}]
    )
    return figure

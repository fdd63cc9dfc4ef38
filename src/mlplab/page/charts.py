"""What a chart on a page is, and the curves of groups of runs over their training.

A figure is Plotly's, checked when it is made. The page's script draws it: it gives each trace the colour of its
group, and draws groups that are not selected in grey. What it needs to know stands in a trace's ``meta``:

- ``group``: place of its group; ``rest`` is "hide" where the group is to vanish instead of turning grey
- ``slot``: a colour of the palette, for what belongs to no group
- ``low`` and ``high``: a band around the line
- ``units``: factors by which x is multiplied, by unit
- ``choice``: the trace is drawn only where the section's switches have these values
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from markupsafe import Markup
from plotly.utils import PlotlyJSONEncoder

from mlplab import schema
from mlplab.comparison.ranking import Ranking
from mlplab.comparison.states import states_of
from mlplab.page.palette import Palette
from mlplab.page.scales import bounded, has_collapsed

LAYOUT: dict[str, Any] = {"margin": {"l": 60, "r": 16, "t": 16, "b": 50}, "hovermode": "closest", "showlegend": False}
TALL = 24  # lines of names: a chart of more scrolls
UNITS = {"iteration": "iteration (parameter updates)", "epoch": "epoch", "seconds": "seconds of training"}
SCALES = {"linear": "linear", "log": "logarithmic"}
ZOOM = "Drag to zoom in, double-click to zoom out."
BANDS = f"Mean of the seeds; the band reaches from the least to the largest. {ZOOM}"
ONE_RUN = f"A line for each run. {ZOOM}"
MOST_POINTS = 20_000  # of all curves of one chart: of more than that only every n-th is drawn
_SPLITS = {"train": "training", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class Chart:
    """One chart.

    Attributes:
        name: its id in the page.
        title: stands above it.
        alt: says what it shows, for who does not see it.
        each: one such chart for each selected group.
        every: of each line every n-th point is drawn, and the last.
    """

    name: str
    title: str
    alt: str
    figure: go.Figure
    each: bool = False
    every: int = 1

    @property
    def data(self) -> Markup:
        """The figure as JSON, for a script element."""
        figure = self.figure.to_plotly_json()
        figure["layout"].pop("template", None)  # the page has its own, light and dark
        return script_json(figure)


@dataclass(frozen=True)
class Section:
    """Charts under one heading, and the switches that all of them obey: by key, label and values with their names."""

    title: str
    text: str
    charts: list[Chart]
    switches: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)


def script_json(value: object) -> Markup:
    """Return a value as JSON that no script element ends in."""
    text = json.dumps(value, cls=PlotlyJSONEncoder, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def rounded(values: Any) -> list[float | None]:
    """Return numbers with five digits, which no screen shows more of; None for what is no number."""
    return [float(f"{value:.5g}") if np.isfinite(value) else None for value in np.asarray(values, dtype=float)]


def curve_charts(
    points: pd.DataFrame,
    palette: Palette,
    keys: Sequence[str],
    units: Mapping[int, Mapping[str, float]],
    collapsed: set[int],
    name: str = "curves",
    each_run: bool = False,
) -> list[Chart]:
    """Draw metrics over the training: mean over the runs of each group, and a band from the least to the largest.

    Args:
        points: ``group``, ``run_id``, ``key``, ``step``, ``value``.
        palette: of the groups.
        keys: of the metrics, one chart each; those without points are left out.
        units: by group: epochs and seconds per iteration, where they are known.
        collapsed: groups that do not set the axis, unless all are.
        name: what the charts' ids begin with.
        each_run: draw a line for each run instead; a mean jumps where some of its runs are behind.
    """
    lines = ["group", "run_id"] if each_run else ["group"]
    return [
        _curves(f"{name}-{key.replace('/', '-')}", key, rows, palette, units, collapsed, lines)
        for key in keys
        if not (rows := points[points["key"] == key]).empty
    ]


def list_down(figure: go.Figure, names: Sequence[str]) -> None:
    """Give the figure a line for each name, from the top; where it scrolls, its other axis is in sight at the top."""
    figure.update_layout(**LAYOUT, height=90 + 26 * len(names))
    if len(names) > TALL:
        figure.update_xaxes(side="top")
        figure.update_layout(margin={"t": 60})
    figure.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=names,
        range=[len(names) - 0.4, -0.6],
        automargin=True,
        ticks="outside",  # room between a name and a marker at the axis' end
        ticklen=8,
        tickcolor="rgba(0,0,0,0)",
    )


def every_nth(points: int) -> int:
    """Return which of so many points of a chart is drawn: every one, or every n-th."""
    return max(1, -(-points // MOST_POINTS))


def thin(line: pd.DataFrame, every: int) -> pd.DataFrame:
    """Return every n-th row, and the last."""
    return line.iloc[sorted({*range(0, len(line), every), len(line) - 1})]


def thinning(charts: Sequence[Chart]) -> str:
    """Say what charts leave out; "" where they leave out nothing."""
    most = max((chart.every for chart in charts), default=1)
    return f" Of each line one point in {most} is drawn, and the last." if most > 1 else ""


def log_axis(low: float, high: float) -> dict[str, Any]:
    """Return a logarithmic axis between two powers of ten, with a tick for each where there are several."""
    return {"type": "log", "range": [low, high], "dtick": 1 if high - low > 2 else None, "exponentformat": "power"}


def _curves(
    chart: str,
    key: str,
    rows: pd.DataFrame,
    palette: Palette,
    units: Mapping[int, Mapping[str, float]],
    collapsed: set[int],
    lines: list[str],
) -> Chart:
    steps = rows.groupby([*lines, "step"])["value"].agg(["mean", "min", "max", "count"]).reset_index()
    parts = [(int(line[0]), part) for line, part in steps.groupby(lines)]
    every = every_nth(len(steps))
    traces = [_line_and_band(part, palette, place, units.get(place, {}), every) for place, part in parts]
    split, measure = key.split("/")
    name = f"{_SPLITS[split]} {measure}"
    figure = go.Figure(traces)
    kept = steps[~steps["group"].isin(collapsed)]
    ranges = _ranges(kept if len(kept) else steps, measure)
    figure.update_layout(**LAYOUT, height=340, meta={"ranges": ranges})
    figure.update_xaxes(title_text=UNITS["iteration"])
    figure.update_yaxes(title_text=name, exponentformat="power")
    return Chart(chart, name.capitalize(), f"{name} over the training, a line per group", figure, every=every)


def _ranges(steps: pd.DataFrame, measure: str) -> dict[str, list[float]]:
    low, high = float(steps["min"].min()), float(steps["max"].max())
    margin = 0.03 * (high - low) or 0.01
    linear = bounded(measure, max(low - margin, 0.0), high + margin)
    ranges = {"linear": [linear.low, linear.high]}
    positive = steps["min"][steps["min"] > 0]
    if measure == "loss" and len(positive):
        ranges["log"] = [float(np.log10(positive.min())) - 0.05, float(np.log10(high)) + 0.05]
    return ranges


def _line_and_band(
    part: pd.DataFrame, palette: Palette, place: int, units: Mapping[str, float], every: int
) -> dict[str, Any]:
    part = thin(part, every)
    band = {"low": rounded(part["min"]), "high": rounded(part["max"])} if part["count"].max() > 1 else {}
    return {
        "type": "scatter",
        "name": palette.names[place],
        "x": [int(step) for step in part["step"]],
        "y": rounded(part["mean"]),
        "mode": "lines" if len(part) > 1 else "markers",
        "line": {"width": 2},
        "meta": {"group": place, "units": dict(units), **band},
    }


def units_of(runs: pd.DataFrame, points: pd.DataFrame, ranking: Ranking) -> dict[int, dict[str, float]]:
    """Return, by group, epochs and seconds of training per iteration: means over its finished runs.

    What a run's epochs were is not known where it stopped early.
    """
    last = points[~points["key"].str.startswith(schema.FINAL)].groupby("run_id")["step"].max()
    by_run = runs.set_index("run_id").reindex(last.index)
    ratios = pd.DataFrame(index=last.index)
    if "params.epochs" in by_run:
        epochs = by_run["params.epochs"].astype(float)
        if "params.iterations" in by_run:  # instead of epochs, where they are set
            epochs = epochs.where(by_run["params.iterations"].isna())
        if (stopped := f"tags.{schema.STOPPED_TAG}") in by_run:
            epochs = epochs.where(by_run[stopped].isna())
        ratios["epoch"] = epochs / last
    if (column := f"metrics.{schema.TRAIN_SECONDS}") in by_run:
        ratios["seconds"] = by_run[column] / last
    ratios = ratios[(states_of(by_run) == schema.State.finished) & (last > 0)]
    units = {}
    for place, group in enumerate(ranking.groups):
        own = ratios.loc[ratios.index.intersection(group.run_ids)].mean()
        units[place] = {unit: float(f"{value:.5g}") for unit, value in own.items() if np.isfinite(value)}
    return units


def collapsed_groups(ranking: Ranking, classes: int | None) -> set[int]:
    """Return the places of the groups that are no better than guessing, or have no finished run."""
    return {
        place
        for place, group in enumerate(ranking.groups)
        if group.summary is None or has_collapsed(ranking.metric, group.summary.mean, classes)
    }

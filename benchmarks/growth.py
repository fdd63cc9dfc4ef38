"""How cost grows: with the network's width, the batch size, and the number of runs in a sweep."""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from matplotlib.figure import Figure

from benchmarks.measure import contender, rounds, run

CONTENDERS = ["mlplab NumPy, relu", "mlplab torch", "PyTorch"]
WIDTHS = [1, 2, 4]
BATCH_SIZES = [16, 64, 256, 1024]
RUNS = [1, 4, 16]
STEPS = 300
LAUNCHERS = {"one after the other": "basic", "on all cores": "joblib"}
PANELS = {
    "widths": ("network width", "seconds per epoch"),
    "batches": ("batch size", "seconds per epoch"),
    "sweeps": ("runs in a sweep", "seconds of a sweep of 3-epoch runs"),
}

TITLE = "How cost grows"
ROUNDS = 3

Curves = dict[str, dict[str, float]]  # seconds by value (as text, since JSON keys are strings), by name


def measure(count: int) -> dict[str, Any]:
    """Return seconds per epoch by width and by batch size, and seconds of a whole sweep by its runs."""
    return {
        "widths": _epochs("--width", WIDTHS, count),
        "batches": _epochs("--batch-size", BATCH_SIZES, count),
        "sweeps": _sweeps(),
    }


def _epochs(option: str, values: list[int], count: int) -> Curves:
    places = [(name, value) for name in CONTENDERS for value in values]
    answers = rounds(
        {f"{name} {value}": contender(name, option, str(value), "--steps", str(STEPS)) for name, value in places},
        count,
    )
    curves: Curves = {name: {} for name in CONTENDERS}
    for name, value in places:
        curves[name][str(value)] = median(answer["seconds_per_epoch"] for answer in answers[f"{name} {value}"])
    return curves


def _sweeps() -> Curves:
    """Time whole sweeps of short runs: one after the other, and on all cores."""
    curves: Curves = {name: {} for name in LAUNCHERS}
    for runs in RUNS:
        for name, launcher in LAUNCHERS.items():
            print(f"  sweep of {runs}, {name}", file=sys.stderr)
            curves[name][str(runs)] = _sweep(runs, launcher)
    return curves


def _sweep(runs: int, launcher: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        seeds = ",".join(map(str, range(runs)))
        command = [
            sys.executable, "src/train.py", "-m", f"seed={seeds}", "activation=relu", "epochs=3", "data=mnist",
            f"tracking.uri=sqlite:///{folder}/mlflow.db", f"hydra.sweep.dir={folder}/multirun",
            f"hydra/launcher={launcher}",
        ]  # fmt: skip
        start = time.perf_counter()
        run(command)
        return time.perf_counter() - start


def table(result: dict[str, Any], before: dict[str, Any] | None) -> list[str]:
    """Return Markdown: the picture, and a table for each of its panels."""
    lines = ["![cost against width, batch size and runs](growth.png)"]
    for part, (axis, unit) in PANELS.items():
        curves = result[part]
        values = list(next(iter(curves.values())))
        lines += ["", f"{unit.capitalize()}:", "", f"| {axis} | {' | '.join(values)} |"]
        lines.append("| --- |" + " ---: |" * len(values))
        for name, points in curves.items():
            cells = [_cell(part, name, value, points[value], before) for value in values]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _cell(part: str, name: str, value: str, seconds: float, before: dict[str, Any] | None) -> str:
    former = f" ({before[part][name][value]:.2f} before)" if before else ""
    return f"{seconds:.2f}{former}"


def plot(result: dict[str, Any], path: Path) -> None:
    """Draw the panels side by side."""
    figure = Figure(figsize=(12, 3.8), layout="constrained")
    for place, (part, (axis, unit)) in enumerate(PANELS.items()):
        axes = figure.add_subplot(1, 3, place + 1)
        for name, points in result[part].items():
            axes.plot(list(map(int, points)), list(points.values()), marker="o", label=name)
        ticks = list(map(int, next(iter(result[part].values()))))
        axes.set(xscale="log", yscale="log", xlabel=axis, ylabel=unit, xticks=ticks, xticklabels=ticks)
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)

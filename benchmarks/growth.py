"""How cost grows: with the network's width, the batch size, and the number of runs in a sweep."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.measure import PROJECT, Sample, contender, rounds

CONTENDERS = ["mlplab NumPy, relu", "mlplab torch", "PyTorch"]
WIDTHS = [1, 2, 4]
BATCH_SIZES = [16, 64, 256, 1024]
RUNS = [1, 4, 16]
MOST_STEPS = 300

Curves = dict[str, dict[int, Sample]]


def measure(count: int) -> tuple[Curves, Curves, Curves]:
    """Return seconds per epoch by width and by batch size, and seconds of a whole sweep by its runs."""
    widths = _epochs("--width", WIDTHS, count)
    batches = _epochs("--batch-size", BATCH_SIZES, count)
    return widths, batches, _sweeps()


def _epochs(option: str, values: list[int], count: int) -> Curves:
    found = rounds(
        {f"{name} {value}": contender(name, option, str(value), "--steps", str(MOST_STEPS))
         for name in CONTENDERS for value in values},
        count,
    )  # fmt: skip
    return {
        name: {value: Sample([answer["seconds_per_epoch"] for answer in found[f"{name} {value}"]]) for value in values}
        for name in CONTENDERS
    }


def _sweeps() -> Curves:
    """Time whole sweeps of short runs: one after the other, and on all cores."""
    found: Curves = {"one after the other": {}, "hydra/launcher=joblib": {}}
    for runs in RUNS:
        for name, options in {"one after the other": [], "hydra/launcher=joblib": ["hydra/launcher=joblib"]}.items():
            print(f"  sweep of {runs}, {name}", file=sys.stderr)
            found[name][runs] = Sample([_sweep(runs, options)])
    return found


def _sweep(runs: int, options: list[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        seeds = ",".join(map(str, range(runs)))
        command = [
            sys.executable, "src/train.py", "-m", f"seed={seeds}", "activation=relu", "epochs=3", "data=mnist",
            f"tracking.uri=sqlite:///{folder}/mlflow.db", f"hydra.sweep.dir={folder}/multirun", *options,
        ]  # fmt: skip
        start = time.perf_counter()
        environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
        subprocess.run(command, cwd=PROJECT, env=environment, check=True, capture_output=True)
        return time.perf_counter() - start


def table(curves: Curves, axis: str) -> list[str]:
    """Return a Markdown table: a row per curve, a column per value."""
    values = list(next(iter(curves.values())))
    lines = [f"| {axis} | {' | '.join(map(str, values))} |", "| --- |" + " ---: |" * len(values)]
    for name, points in curves.items():
        lines.append(f"| {name} | {' | '.join(f'{points[value].median:.2f}' for value in values)} |")
    return lines


def plot(widths: Curves, batches: Curves, sweeps: Curves, path: Path) -> None:
    """Draw the three, side by side."""
    figure = Figure(figsize=(12, 3.8), layout="constrained")
    panels = [
        ("network width", "seconds per epoch", widths),
        ("batch size", "seconds per epoch", batches),
        ("runs in a sweep", "seconds", sweeps),
    ]
    for place, (axis, unit, curves) in enumerate(panels):
        axes = figure.add_subplot(1, 3, place + 1)
        for name, points in curves.items():
            axes.plot(list(points), [sample.median for sample in points.values()], marker="o", label=name)
        ticks = list(next(iter(curves.values())))
        axes.set(xscale="log", yscale="log", xlabel=axis, ylabel=unit, xticks=ticks, xticklabels=ticks)
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)

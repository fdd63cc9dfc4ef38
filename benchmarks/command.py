"""The whole command, from the shell's point of view: what it costs in addition to its training steps.

    python -m benchmarks.command

runs ``python src/train.py activation=relu`` on MNIST (``MLPLAB_DATA_ROOT``, or ``data/``) into a temporary store
that already exists, and prints the seconds of each part as JSON.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import PROJECT, rounds

TITLE = "The whole command"
ROUNDS = 3
PARTS = {
    "wall": "the whole command",
    "training": "its training steps",
    "diagnostics": "its diagnostics: a look inside every layer at 70 points",
    "evaluation": "its evaluations: the test set 71 times, the training set once",
    "tracking": "MLflow, while it trains: every write of points",
    "fixed": "the rest: start, imports, data, store, figures, model",
}

# Runs in the command's own process: each part is timed where it is called.
_TIMED = """
import atexit, json, os, runpy, sys, time
from mlplab.engines.numpy_engine import NumpyEngine
spent = {"training": 0.0, "diagnostics": 0.0, "evaluation": 0.0, "tracking": 0.0}
def timed(owner, name, part):
    original = getattr(owner, name)
    def wrapper(*arguments, **keywords):
        start = time.perf_counter()
        try:
            return original(*arguments, **keywords)
        finally:
            spent[part] += time.perf_counter() - start
    setattr(owner, name, wrapper)
timed(NumpyEngine, "train_window", "training")
timed(NumpyEngine, "evaluate", "evaluation")
from mlplab.app import startup
from mlplab.training import diagnostics
for owner, name in ((NumpyEngine, "probe"), (NumpyEngine, "layers"), (diagnostics, "measure")):
    timed(owner, name, "diagnostics")
original = startup.start_run
def run(*arguments):
    from mlplab.tracking.run import Run
    timed(Run, "log_metrics", "tracking")
    return original(*arguments)
startup.start_run = run
atexit.register(lambda: open(os.environ["SPENT"], "w").write(json.dumps(spent)))
sys.argv = ["src/train.py", *sys.argv[1:]]
runpy.run_path("src/train.py", run_name="__main__")
"""


def main() -> None:
    """Time one run, after a short one that creates the store."""
    with tempfile.TemporaryDirectory() as folder:
        spent = Path(folder) / "spent.json"
        options = [
            "activation=relu", "data=mnist", f"tracking.uri=sqlite:///{folder}/mlflow.db",
            f"hydra.run.dir={folder}/outputs",
        ]  # fmt: skip
        environment = {**os.environ, "SPENT": str(spent), "PYTHONPATH": str(PROJECT / "src")}
        command = [sys.executable, "-c", _TIMED, *options]
        subprocess.run([*command, "iterations=1"], cwd=PROJECT, env=environment, check=True, capture_output=True)
        start = time.perf_counter()
        subprocess.run(command, cwd=PROJECT, env=environment, check=True, capture_output=True)
        parts = {"wall": time.perf_counter() - start, **json.loads(spent.read_text(encoding="utf-8"))}
    parts["fixed"] = 2 * parts["wall"] - sum(parts.values())
    parts["memory_MiB"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(json.dumps(parts))


def measure(count: int) -> dict[str, Any]:
    """Return seconds by part, and peak memory, of every run."""
    answers = rounds({"run": [sys.executable, "-m", "benchmarks.command"]}, count)
    return {"runs": answers["run"]}


def table(result: dict[str, Any], before: dict[str, Any] | None) -> list[str]:
    """Return Markdown: the parts (and what they were before), then the targets."""
    runs = result["runs"]

    def middle(part: str, answers: list[dict[str, float]] = runs) -> float:
        return median(answer[part] for answer in answers)

    lines = ["| part | seconds |", "| --- | ---: |"]
    for part, meaning in PARTS.items():
        former = (
            f" ({middle(part, before['runs']):.2f} before)"
            if before and all(part in run for run in before["runs"])
            else ""
        )
        lines.append(f"| {meaning} | {middle(part):.2f}{former} |")
    lines += ["", "| target | at most | measured | |", "| --- | ---: | ---: | --- |"]
    for name, limit, value in [
        ("whole command / its training steps", 1.4, median(run["wall"] / run["training"] for run in runs)),
        ("fixed cost in seconds", 4.0, middle("fixed")),
        ("diagnostics / training steps", 0.03, median(run["diagnostics"] / run["training"] for run in runs)),
        ("tracking / whole command", 0.03, median(run["tracking"] / run["wall"] for run in runs)),
        ("memory in MiB", 600, middle("memory_MiB")),
    ]:
        lines.append(f"| {name} | {limit:g} | {value:.3g} | {'met' if value <= limit else 'missed'} |")
    return lines


if __name__ == "__main__":
    main()

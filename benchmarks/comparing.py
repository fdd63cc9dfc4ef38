"""Fetching runs to compare: seconds for 10, 100 and 1,000 runs of 70 points each, from a SQLite store."""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

TITLE = "Fetching runs to compare"
ROUNDS = 3
RUNS = [10, 100, 1000]
POINTS = 70
METRICS = ("train/loss", "test/loss", "test/accuracy")


def measure(count: int) -> dict[str, Any]:
    """Return the seconds to fetch rows and whole histories, by the number of runs."""
    from mlplab.comparison import query
    from mlplab.store.store import connect

    found: dict[str, dict[str, float]] = {"rows": {}, "histories": {}}
    with tempfile.TemporaryDirectory() as folder:
        for runs in RUNS:
            print(f"  {runs} runs", file=sys.stderr)
            uri = f"sqlite:///{Path(folder) / f'{runs}.db'}"
            store = connect(uri, "lab")
            _fill(store, runs)
            rows, histories = [], []
            for _ in range(count):
                start = time.perf_counter()
                frame = query.find_runs(store)
                rows.append(time.perf_counter() - start)
                start = time.perf_counter()
                points = query.find_points(store, list(frame["run_id"]))
                histories.append(time.perf_counter() - start)
                assert len(points) == runs * POINTS * len(METRICS)
            found["rows"][str(runs)], found["histories"][str(runs)] = median(rows), median(histories)
    return found


def _fill(store: Any, runs: int) -> None:
    from mlflow.entities import Metric, Param

    params = [Param(f"key{i}", "value") for i in range(25)]
    for number in range(runs):
        run_id = store.client.create_run(store.experiment_id, run_name=f"run {number}").info.run_id
        points = [Metric(key, 1 / (1 + step), step, 200 * step) for step in range(POINTS) for key in METRICS]
        store.client.log_batch(run_id, metrics=points, params=params)
        store.client.set_terminated(run_id)


def table(result: dict[str, Any], before: dict[str, Any] | None) -> list[str]:
    """Return Markdown: seconds by the number of runs."""
    lines = [f"| seconds for so many runs | {' | '.join(map(str, RUNS))} |", "| --- |" + " ---: |" * len(RUNS)]
    for part, meaning in {"rows": "params, metrics and tags", "histories": f"{POINTS} points of each metric"}.items():
        cells = []
        for runs in RUNS:
            former = f" ({before[part][str(runs)]:.2f} before)" if before else ""
            cells.append(f"{result[part][str(runs)]:.2f}{former}")
        lines.append(f"| {meaning} | {' | '.join(cells)} |")
    return lines

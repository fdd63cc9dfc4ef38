"""Searches against the full grid, on real MNIST: how much training they spend, and how good the best is.

python -m benchmarks.search             5 seeds, two at once; writes the table in docs/search.md
python -m benchmarks.search --seeds 1   a first look: about 5 minutes
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from mlflow import MlflowClient
from mlflow.entities import Run

from benchmarks.measure import PROJECT, machine
from mlplab.schema import SWEEP_TAG, TRAIN_SECONDS, final_accuracy

MARKS = "<!-- measured: begin -->", "<!-- measured: end -->"
SEEDS = 5
SPACE = ("activation=sigmoid,tanh,relu", "learning_rate=0.01,0.03,0.1,0.3", "hidden_sizes=[32],[100]")
SWEPT = [text.partition("=")[0] for text in SPACE]
RUN = ("data=mnist", "data.val_size=10000", "iterations=2000", "log_every=100", "diagnostics=false")
STRATEGIES = {
    "full grid": (),
    "half as many, at random": ("search=random", "trials=12"),
    "grid, median": ("pruner=median",),
    "tpe, median": ("search=tpe", "trials=24", "pruner=median"),
    "tpe, asha": ("search=tpe", "trials=24", "pruner=asha"),
}
AGAIN = "seed=101,102,103"  # of the winner, trained again
UNEQUAL = (
    "data=mnist", "data.val_size=10000", "epochs=3", "hidden_sizes=[32],[300],[500,250]",
    "learning_rate=interval(0.01,0.3)", "search=random", "trials=12",
    "hydra/launcher=joblib", "hydra.launcher.n_jobs=2",
)  # fmt: skip


@dataclass(frozen=True)
class Search:
    """What one search has found.

    Attributes:
        updates, seconds: parameter updates, and seconds of training, of all its runs.
        best: validation accuracy of its best run.
        test: mean test accuracy of that config, trained with three other seeds.
    """

    updates: int
    seconds: float
    best: float
    test: float


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    count = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda seed: _all_of(Path(folder) / str(seed), seed), range(count)))
        idle = _idle_time(Path(folder) / "unequal")
    _write([*_table(found), "", idle])


def _all_of(folder: Path, seed: int) -> dict[str, Search]:
    results = {}
    for name, how in STRATEGIES.items():
        sweep = f"{'-'.join(name.replace(',', '').split())}-{seed}"
        _train(folder, sweep, *RUN, *SPACE, *how, f"seed={seed}")
        runs = _runs(folder, sweep)
        judged = final_accuracy("val")
        best = max(runs, key=lambda run: run.data.metrics.get(judged, 0.0))
        again = f"{sweep}-again"
        config = [f"{key}={best.data.params[key].replace(' ', '')}" for key in SWEPT]
        _train(folder, again, *RUN, *config, AGAIN)
        results[name] = Search(
            sum(_last_step(folder, run) for run in runs),
            sum(run.data.metrics[TRAIN_SECONDS] for run in runs),
            best.data.metrics[judged],
            mean(run.data.metrics[final_accuracy("test")] for run in _runs(folder, again)),
        )
        print(f"seed {seed}, {name}: {results[name]}", file=sys.stderr, flush=True)
    return results


def _train(folder: Path, sweep: str, *arguments: str) -> None:
    """Carry out a sweep with one thread: two seeds are measured at once."""
    where = [f"tracking.uri={_uri(folder)}", f"tracking.sweep={sweep}", f"hydra.sweep.dir={folder / sweep}"]
    folder.mkdir(exist_ok=True)
    subprocess.run(
        [sys.executable, "src/train.py", "-m", *arguments, *where],
        cwd=PROJECT, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def _uri(folder: Path) -> str:
    return f"sqlite:///{folder / 'mlflow.db'}"


def _runs(folder: Path, sweep: str, tag: str = SWEEP_TAG) -> list[Run]:
    client = MlflowClient(_uri(folder))
    experiment = client.get_experiment_by_name("mlplab")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], f"tags.`{tag}` = '{sweep}'", max_results=1_000))


def _last_step(folder: Path, run: Run) -> int:
    points = MlflowClient(_uri(folder)).get_metric_history(run.info.run_id, "train/loss")
    return max(point.step for point in points)


def _idle_time(folder: Path) -> str:
    """Say which share of two workers' time, from the first run's beginning to the last one's end, had no run."""
    _train(folder, "unequal", *UNEQUAL)
    runs = _runs(folder, "unequal")
    seconds = [(run.info.end_time - run.info.start_time) / 1_000 for run in runs]
    wall = (max(run.info.end_time for run in runs) - min(run.info.start_time for run in runs)) / 1_000
    return (
        f"Two processes with {len(runs)} runs of {min(seconds):.1f} to {max(seconds):.1f} s were idle for "
        f"{1 - sum(seconds) / (2 * wall):.1%} of their time: {2 * wall - sum(seconds):.1f} s in all."
    )


def _table(found: Sequence[Mapping[str, Search]]) -> list[str]:
    lines = [
        f"24 configurations of {', '.join(SWEPT)}; 20 points; {len(found)} seeds. Means; in brackets the worst seed.",
        "",
        "| | updates | training time | best validation accuracy | less than the grid's | test accuracy, again |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name in STRATEGIES:
        own, grid = [one[name] for one in found], [one["full grid"] for one in found]
        less = [whole.best - part.best for whole, part in zip(grid, own, strict=True)]
        updates = mean(part.updates / whole.updates for whole, part in zip(grid, own, strict=True))
        seconds = mean(part.seconds / whole.seconds for whole, part in zip(grid, own, strict=True))
        lines.append(
            f"| {name} | {updates:.2f} | {seconds:.2f} | {mean(one.best for one in own):.4f} "
            f"| {mean(less):.4f} ({max(less):.4f}) | {mean(one.test for one in own):.4f} |"
        )
    return lines


def _write(lines: Sequence[str]) -> None:
    print("\n".join(lines))
    page = PROJECT / "docs" / "search.md"
    head, _, rest = page.read_text(encoding="utf-8").partition(MARKS[0])
    origin = ", ".join(f"{key} {value}" for key, value in machine().items())
    page.write_text(
        head
        + "\n".join([MARKS[0], "", *lines, "", f"Measured on: {origin}.", "", MARKS[1]])
        + rest.partition(MARKS[1])[2],
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()

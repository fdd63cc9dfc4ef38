"""A server on PostgreSQL under load: 8 sweeps of 8 members at once, and a comparison of 200 runs.

What the members have logged is counted in the database. Then a comparison of runs whose artifacts the server hands out
is timed against the same runs in a local file, in one interleaved run.
"""

import logging
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks import members
from benchmarks.members import FORK, MEMBERS, PACE_SECONDS, POINTS
from benchmarks.recorded import record_sweep
from benchmarks.server import TARGETS, WORKS, compared, served

TITLE = "A server under load"
ROUNDS = 3
SWEEPS = 8
RUNS = 200
_POINTS_QUERY = """
SELECT tags.value, metrics.key, metrics.step, metrics.value FROM metrics
JOIN tags ON tags.run_uuid = metrics.run_uuid AND tags.key = 'mlflow.runName'
JOIN runs ON runs.run_uuid = metrics.run_uuid
JOIN experiments ON experiments.experiment_id = runs.experiment_id
WHERE experiments.name = :name
"""
_RUNS_QUERY = """
SELECT runs.status, runs.artifact_uri FROM runs JOIN experiments ON experiments.experiment_id = runs.experiment_id
WHERE experiments.name = :name AND runs.lifecycle_stage = 'active'
"""
_SIZE_QUERY = "SELECT pg_total_relation_size('metrics') * 1.0 / (SELECT count(*) FROM metrics)"


def measure(count: int) -> dict[str, Any]:
    """Return what so many loads have cost and lost, and requests and seconds of a comparison."""
    from mlplab import environment
    from mlplab.app import postgresql
    from mlplab.tracking import reading, run  # noqa: F401 - before the processes of the members are forked

    environment.prepare_worker()
    logging.getLogger("mlplab").setLevel(logging.ERROR)  # that the server is slow to answer is what is measured
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # root runs PostgreSQL as another user
        with (
            postgresql.running(folder / "postgresql") as database,
            served(folder, database.uri) as (uri, mlflow),
        ):
            processes = {"mlflow": mlflow, "postgresql": _postmaster(folder / "postgresql")}
            loads = []
            for number in range(count):
                print(f"  load {number + 1} of {count}", file=sys.stderr)
                loads.append(_load(uri, database.uri, folder / f"load {number}", processes))
            print(f"  recording {RUNS} runs, then comparing them", file=sys.stderr)
            file = f"sqlite:///{folder / 'file.db'}"
            record_sweep(file, (folder / "mlruns").as_uri(), folder / "mlruns", RUNS)
            record_sweep(database.uri, "mlflow-artifacts:/", folder / "artifacts", RUNS)
            found = {work: compared({"file": file, "server": uri}, work, count) for work in WORKS}
            (size,) = _rows(database.uri, _SIZE_QUERY)
    return {"load": _together(loads), "bytes": float(size[0]), **found}


def _postmaster(data: Path) -> int:
    return int((data / "postmaster.pid").read_text(encoding="utf-8").split()[0])


def _load(uri: str, database: str, folder: Path, processes: dict[str, int]) -> dict[str, float]:
    """Carry the sweeps out at once, and read the database."""
    experiment = folder.name
    names = [f"{experiment} sweep {number}" for number in range(SWEEPS)]
    with ProcessPoolExecutor(SWEEPS, FORK) as pool:
        before = {name: _processor_seconds(pid) for name, pid in processes.items()}
        start = time.monotonic()
        futures = [pool.submit(members.carry_out, uri, experiment, name, folder / name) for name in names]
        sweeps = [future.result() for future in futures]
        done = time.monotonic()
        with ProcessPoolExecutor(1, FORK) as other:
            sent, asked = other.submit(members.send_rest, uri, experiment).result()
        ended = time.monotonic()
        used = {name: _processor_seconds(pid) - before[name] for name, pid in processes.items()}
    written = [one for sweep in sweeps for one in sweep]
    leaving = [one.leaving for sweep in sweeps for one in sweep[:-1]]
    return {
        "seconds": done - start,
        "seconds with the rest": ended - start,
        "left": sent,
        **used,
        "requests": asked + sum(one.requests for one in written),
        "slowest": max(one.longest for one in written),
        "leaving": median(leaving),
        "longest leaving": max(leaving),
        **_losses(database, experiment, names, folder.parent / "artifacts"),
    }


def _processor_seconds(pid: int) -> float:
    """Return the seconds of all processors that this process and its children have taken, those that ended too."""
    root = psutil.Process(pid)
    return sum(sum(process.cpu_times()[:4]) for process in [root, *root.children(recursive=True)])


def _losses(database: str, experiment: str, sweeps: list[str], artifacts: Path) -> dict[str, float]:
    """Compare what the database and the artifacts' folder have with what the members have logged."""
    found = [tuple(row) for row in _rows(database, _POINTS_QUERY, name=experiment)]
    expected = {point for sweep in sweeps for point in members.expected_points(sweep)}
    runs = _rows(database, _RUNS_QUERY, name=experiment)
    folders = [artifacts / address.partition(":/")[2].lstrip("/") for _, address in runs]
    files = sum(path.stat().st_size == members.FILE_BYTES for one in folders for path in one.glob("*.bin"))
    return {
        "points": len(expected),
        "lost": len(expected - set(found)),
        "twice": len(found) - len(set(found)),
        "wrong": len(set(found) - expected),
        "not finished": SWEEPS * (MEMBERS + 1) - sum(status == "FINISHED" for status, _ in runs),
        "files lost": SWEEPS * MEMBERS * members.FILES - files,
    }


def _rows(database: str, query: str, **values: str) -> list[Any]:
    from sqlalchemy import create_engine, text

    engine = create_engine(database)
    with engine.connect() as connection:
        rows = list(connection.execute(text(query), values))
    engine.dispose()
    return rows


def _together(loads: list[dict[str, float]]) -> dict[str, float]:
    """Return of losses the sum of all loads, of costs the median."""
    summed = ("points", "lost", "twice", "wrong", "not finished", "files lost")
    return {
        "loads": len(loads),
        **{key: sum(load[key] for load in loads) if key in summed else median(load[key] for load in loads)
           for key in loads[0]},
    }  # fmt: skip


def table(result: dict[str, Any], before: dict[str, Any] | None) -> list[str]:
    """Return Markdown: losses and costs of the load; requests and seconds of the comparison, and their targets."""
    was = before["load"] if before else None
    lines = [
        f"{SWEEPS} sweeps of {MEMBERS} members at once, each member with {POINTS} points of {len(members.METRICS)} "
        f"metrics in {POINTS * PACE_SECONDS:g} s and {members.FILES + 1} artifacts of "
        f"{members.FILES * members.FILE_BYTES / 1e6:.2f} MB together:",
        "",
        f"| {result['load']['loads']} loads | |",
        "| --- | ---: |",
    ]
    for meaning, (value, digits) in _figures(result["load"]).items():
        former = f" ({_figures(was)[meaning][0]:,.{digits}f} before)" if was else ""
        lines.append(f"| {meaning} | {value:,.{digits}f}{former} |")
    lines += [
        f"| bytes of the database for a point, index included | {result['bytes']:.0f} |",
        "",
        f"| {RUNS} runs, artifacts by the server | requests | requests per run | file, seconds | server, seconds "
        "| server / file |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {meaning} | {result[work]['requests']:.0f} | {result[work]['requests'] / RUNS:.2f} | "
        f"{result[work]['file']:.2f} | {result[work]['server']:.2f} | "
        f"{result[work]['server'] / result[work]['file']:.1f} |"
        for work, meaning in WORKS.items()
    ]
    page, load = result["page"], result["load"]
    measured = {"requests": page["requests"] / RUNS, "ratio": page["server"] / page["file"]}
    targets = {"points lost": (load["lost"], 0.0)}
    targets |= {f"{name}, with the page": (measured[key], most) for key, (name, most) in TARGETS.items()}
    lines += ["", "| target | at most | measured | |", "| --- | ---: | ---: | --- |"]
    lines += [
        f"| {name} | {most:g} | {value:.2f} | {'met' if value <= most else 'missed'} |"
        for name, (value, most) in targets.items()
    ]
    return lines


def _figures(load: dict[str, float]) -> dict[str, tuple[float, int]]:
    """Return each figure of the load with its meaning, and how many decimals it is shown with."""
    count = SWEEPS * MEMBERS
    return {
        "values of points logged, in all": (load["points"], 0),
        "of them lost": (load["lost"], 0),
        "in the database twice": (load["twice"], 0),
        "with another value": (load["wrong"], 0),
        "runs that are not FINISHED": (load["not finished"], 0),
        "artifacts lost": (load["files lost"], 0),
        "seconds until the last sweep has ended": (load["seconds"], 1),
        "runs of which a later command had to send a part": (load["left"], 0),
        "seconds until it has": (load["seconds with the rest"], 1),
        "requests per member, its share of its sweep's own run included": (load["requests"] / count, 1),
        "seconds of the store's processors per member": ((load["mlflow"] + load["postgresql"]) / count, 2),
        "of them PostgreSQL's": (load["postgresql"] / count, 2),
        "seconds that a member waits at its end, median": (load["leaving"], 1),
        "the same, longest": (load["longest leaving"], 1),
        "seconds of the slowest request": (load["slowest"], 1),
    }

"""Comparing on a server: requests per run, and seconds against the same runs in a local file, in one interleaved run.

The server is MLflow's own, with SQLite behind it. Artifacts are handed out by it, or lie in a folder that both
machines have. Every round compares both stores once, in random order: all that `python src/compare.py format=html`
does after its imports.
"""

import random
import socket
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import requests

from benchmarks.recorded import EXPERIMENT, record_sweep

TITLE = "Comparing on a server"
ROUNDS = 5
RUNS = 60
ARTIFACTS = ("in a shared folder", "by the server")
WORKS = {"table": "the table", "page": "the table and the page"}
TARGETS = {"requests": ("requests per run", 1.0), "ratio": ("server / file", 2.0)}


def measure(count: int) -> dict[str, Any]:
    """Return, by work and place of the artifacts, requests and median seconds of the server and of the file."""
    found: dict[str, dict[str, dict[str, float]]] = {work: {} for work in WORKS}
    for place in ARTIFACTS:
        print(f"  {RUNS} runs, artifacts {place}", file=sys.stderr)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            file, artifacts = f"sqlite:///{folder / 'file.db'}", folder / "artifacts"
            record_sweep(file, (folder / "mlruns").as_uri(), folder / "mlruns", RUNS)
            address = "mlflow-artifacts:/" if place == "by the server" else artifacts.as_uri()
            record_sweep(f"sqlite:///{folder / 'server.db'}", address, artifacts, RUNS)
            with served(folder, f"sqlite:///{folder / 'server.db'}") as (server, _):
                for work in WORKS:
                    found[work][place] = compared({"file": file, "server": server}, work, count)
    return found


@contextmanager
def served(folder: Path, database: str) -> Iterator[tuple[str, int]]:
    """Run MLflow's server while the block runs, artifacts in the folder; its address, and its process number."""
    from mlplab.app.mlflow_process import start_mlflow

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "server.txt").open("wb") as output:
        own = ["--backend-store-uri", database, "--artifacts-destination", str(folder / "artifacts")]
        server = start_mlflow(port, own, output)
    try:
        _wait_for(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}", server.pid
    finally:
        server.terminate()
        server.wait()


def _wait_for(uri: str) -> None:
    for _ in range(1800):  # three minutes: a machine that is busy takes one
        try:
            urllib.request.urlopen(f"{uri}/health", timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit(f"{uri}: MLflow's server does not start")


def compared(stores: dict[str, str], work: str, count: int) -> dict[str, float]:
    """Compare each store so often; return the median seconds of each, and the requests to the one named server."""
    seconds: dict[str, list[float]] = {name: [] for name in stores}
    asked: list[str] = []
    with _noted(asked):
        for uri in stores.values():
            _compare(uri, work)  # the first comparison in a process imports what it needs
        for _ in range(count):
            for name in random.sample(list(stores), len(stores)):
                asked.clear()
                start = time.perf_counter()
                _compare(stores[name], work)
                seconds[name].append(time.perf_counter() - start)
                if name == "server":
                    requests_of_one = len(asked)
    return {"requests": requests_of_one, **{name: median(values) for name, values in seconds.items()}}


@contextmanager
def _noted(asked: list[str]) -> Iterator[None]:
    """Note the address of every request that this process makes."""
    send: Callable[..., requests.Response] = requests.Session.send

    def noted(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        asked.append(str(request.url))
        return send(session, request, **options)

    with patch.object(requests.Session, "send", noted):
        yield


def _compare(uri: str, work: str) -> None:
    from mlplab.comparison.sweep_end import compare_sweep
    from mlplab.page.comparison_page import render_page
    from mlplab.store.snapshot import Snapshot
    from mlplab.store.store import find_store

    store = Snapshot.of(find_store(uri, EXPERIMENT))
    compared = compare_sweep(store, "S")
    assert compared is not None
    compared.table()
    if work == "page":
        render_page(store, compared.runs, compared.ranking, "a sweep")


def table(result: dict[str, Any], before: dict[str, Any] | None) -> list[str]:
    """Return Markdown: requests and seconds by the place of the artifacts, and the targets for the page."""
    lines = [
        f"| {RUNS} runs | artifacts | requests | requests per run | file, seconds | server, seconds | server / file |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for work, meaning in WORKS.items():
        for place, one in result[work].items():
            was = before[work].get(place) if before else None
            former = f" ({was['requests']:.0f} requests, {was['server'] / was['file']:.1f} before)" if was else ""
            lines.append(
                f"| {meaning} | {place} | {one['requests']:.0f} | {one['requests'] / RUNS:.2f} | "
                f"{one['file']:.2f} | {one['server']:.2f} | {one['server'] / one['file']:.1f}{former} |"
            )
    lines += ["", "| target, with the page | artifacts | at most | measured | |", "| --- | --- | ---: | ---: | --- |"]
    for place, page in result["page"].items():
        measured = {"requests": page["requests"] / RUNS, "ratio": page["server"] / page["file"]}
        for key, (name, target) in TARGETS.items():
            verdict = "met" if measured[key] <= target else "missed"
            lines.append(f"| {name} | {place} | {target:g} | {measured[key]:.2f} | {verdict} |")
    return lines

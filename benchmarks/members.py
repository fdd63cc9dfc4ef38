"""Simulated sweeps: each member has a process, and a run that it writes as a real one does, at a real one's pace."""

import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import requests

MEMBERS = 8  # of a sweep, at once
POINTS = 100
PACE_SECONDS = 0.2  # between two points
METRICS = ("train/loss", "test/loss", "test/accuracy", *(f"within/layer_{layer}_gradient_norm" for layer in (1, 2, 3)))
FINALS = ("final/test_accuracy", "final/test_loss", "time/total_seconds")
PARAMS = {f"key{number}": "value" for number in range(40)}
TAGS = {f"version.library{number}": "1.0" for number in range(20)}
FILES, FILE_BYTES = 18, 18_000  # besides config.yaml: as a run on digits leaves
FORK = multiprocessing.get_context("fork")  # imports are done once, and their pages of memory are shared


@dataclass(frozen=True)
class Written:
    """What one member, or a sweep's own run, has cost.

    Attributes:
        requests: to the server.
        longest: seconds of the slowest of them.
        leaving: seconds from its last point until everything was sent, or it left it to others.
    """

    requests: int
    longest: float
    leaving: float


def carry_out(uri: str, experiment: str, sweep: str, folder: Path) -> list[Written]:
    """Carry out a sweep; return what each member has cost, and last its own run."""
    from mlplab.schema import COMMAND_TAG, MANIFEST, OWN_SWEEP_TAG, REPORT_TAG
    from mlplab.store.target import Target
    from mlplab.tracking.reading import read_from
    from mlplab.tracking.run import Run

    folder.mkdir(parents=True)
    tempfile.tempdir = str(folder)  # a forked process does not tidy up at its end
    begun = FORK.Event()
    target = Target(uri, experiment)
    folders = [folder / str(number) for number in range(MEMBERS)]
    with ProcessPoolExecutor(MEMBERS, FORK, initializer=begun.wait) as pool, counted() as asked:
        futures = [pool.submit(_write_member, target, sweep, one) for one in folders]
        tags = {OWN_SWEEP_TAG: sweep, COMMAND_TAG: sweep, REPORT_TAG: "comparison.html"}
        own = Run(target, f"sweep {sweep}", tags, folder)
        with own:
            own.log_params({"command": "simulated", "jobs": MEMBERS})
            own.log_text("{}", MANIFEST)
            begun.set()
            written = [future.result() for future in futures]
        read_from(target, folders)  # as a sweep does at its end: what its members could not send is sent
    return [*written, Written(asked.total(), own.slowest_request, 0.0)]


def _write_member(target: Any, sweep: str, folder: Path) -> Written:
    from mlplab.schema import JOB_TAG, SWEEP_TAG
    from mlplab.tracking.run import Run

    name = f"{sweep}/{folder.name}"
    tags = {SWEEP_TAG: sweep, JOB_TAG: folder.name, **TAGS}
    folder.mkdir(parents=True)
    with counted() as asked:
        run = Run(target, name, tags, folder)
        with run:
            run.log_params(PARAMS)
            run.log_dataset("mnist", "digest", ("local", {"uri": "data"}), {"train": 60_000, "test": 10_000})
            run.log_text("key: value\n" * 50, "config.yaml")
            run.describe("A simulated member. ", sweep)
            for step in range(POINTS):
                time.sleep(PACE_SECONDS)
                run.log_metrics({key: value_of(name, key, step) for key in METRICS}, step)
            trained = time.monotonic()
            run.log_results({key: value_of(name, key, 0) for key in FINALS})
            for number in range(FILES):
                (run.artifacts / f"{number}.bin").write_bytes(random.randbytes(FILE_BYTES))
        return Written(asked.total(), run.slowest_request, time.monotonic() - trained)


def send_rest(uri: str, experiment: str) -> tuple[int, int]:
    """Send what the sweeps left, as ``python src/sync.py`` does; return of how many runs, and the requests."""
    from mlplab.store.target import Target
    from mlplab.tracking import outbox

    target, sent = Target(uri, experiment), 0
    with counted() as asked:
        while outbox.unsent_folders(target):
            unsent = outbox.send_all(target)
            sent += len(unsent.sent)
            if unsent.refusals or unsent.damaged:
                sys.exit(f"{uri}: refuses {unsent.refusals or unsent.damaged}")
    return sent, asked.total()


def value_of(name: str, key: str, step: int) -> float:
    """Return the value that the member of this name logs."""
    return random.Random(f"{name} {key} {step}").random()


def expected_points(sweep: str) -> Iterator[tuple[str, str, int, float]]:
    """Yield what a sweep's members log: name, metric, step, value."""
    for name in (f"{sweep}/{number}" for number in range(MEMBERS)):
        for key in METRICS:
            yield from ((name, key, step, value_of(name, key, step)) for step in range(POINTS))
        yield from ((name, key, 0, value_of(name, key, 0)) for key in FINALS)


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count the requests of this process, by method."""
    asked: Counter[str] = Counter()
    send = requests.Session.send

    def noted(session: requests.Session, request: requests.PreparedRequest, **options: object) -> requests.Response:
        asked[str(request.method)] += 1
        return send(session, request, **options)

    with patch.object(requests.Session, "send", noted):
        yield asked

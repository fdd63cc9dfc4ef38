"""A sweep in MLflow: a run of its own, with the manifest and the result, beside the flat runs of its members."""

import json
import os
import signal
import time
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from mlplab.sweeps.manifest import FrozenJob, Manifest
from mlplab.tracking.earlier import JOB_TAG, final_metrics
from mlplab.tracking.process import Process
from mlplab.tracking.run import ERROR_TAG
from mlplab.tracking.store import COMMAND_TAG, Store

if TYPE_CHECKING:
    from mlflow.entities import Run  # at run time mlplab.tracking imports MLflow, after it has set its environment

MANIFEST = "manifest.json"
STOP_SECONDS = 60.0

_STATE_OF = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "interrupted", "RUNNING": "running"}
STATES = tuple(_STATE_OF.values())
ALL_STATES = (*STATES, "skipped", "new")


@dataclass(frozen=True)
class Member:
    """The last run of a job: finished, failed, interrupted or running; its final metrics, and why it failed."""

    run_id: str
    state: str
    final: dict[str, float]
    error: str


Elsewhere = Callable[[Store, Manifest], dict[int, Member]]


@dataclass(frozen=True)
class Recorded:
    """A sweep in the store: the run of its own, and what was frozen."""

    run: "Run"
    manifest: Manifest


def find(store: Store, digest: str) -> Recorded | None:
    """Return the last sweep of this command; None where there is none."""
    for run in store.search(f"tags.`{COMMAND_TAG}` = '{digest}'"):
        text = store.read_artifacts(run.info.run_id, MANIFEST)[0]
        if text is not None:  # one that was killed in its first moment has none
            return Recorded(run, Manifest.from_json(text))
    return None


def members(store: Store, sweep: str) -> dict[int, Member]:
    """Return the last run of every job that has one, by the job's number."""
    found: dict[int, Member] = {}
    for run in store.search(f"tags.sweep = '{sweep}'"):
        tags = run.data.tags
        if JOB_TAG in tags:
            member = Member(run.info.run_id, _STATE_OF[run.info.status], final_metrics(run), tags.get(ERROR_TAG, ""))
            found.setdefault(int(tags[JOB_TAG]), member)
    return found


def score(final: Mapping[str, float]) -> float:
    """Return what ranks a run: validation accuracy where there is a validation split, test accuracy otherwise."""
    return final.get("final/val_accuracy", final["final/test_accuracy"])


@dataclass(frozen=True)
class Outcome:
    """A job as the sweep's result has it: one of ALL_STATES; run_id is empty where it has no run."""

    job: int
    name: str
    state: str
    run_id: str
    final: dict[str, float]
    error: str


def result(
    jobs: Sequence[FrozenJob], found: Mapping[int, Member], errors: Mapping[int, str], skipped: Container[int]
) -> list[Outcome]:
    """Return what became of every job: from the store, and from what failed before it had a run."""
    rows = []
    for job in jobs:
        member = found.get(job.number)
        state = "new" if member is None else member.state
        if job.number in errors:
            state = "failed"
        elif job.number in skipped:
            state = "skipped"
        error = errors.get(job.number) or (member.error if member else "")
        run_id, final = (member.run_id, member.final) if member else ("", {})
        rows.append(Outcome(job.number, job.name, state, run_id, final, error))
    return rows


def as_json(rows: Sequence[Outcome]) -> str:
    """Return the result as a document."""
    return json.dumps([asdict(row) for row in rows], indent=1)


def stop_members(store: Store, sweep: str) -> None:
    """Ask the members that run in other processes of this machine to stop, and wait until they have ended in order."""
    asked: set[Process] = set()
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        running = store.search(f"tags.sweep = '{sweep}' and attributes.status = 'RUNNING'")
        owners = [Process.from_tags(run.data.tags) for run in running if JOB_TAG in run.data.tags]
        working = {owner for owner in owners if owner and owner.is_here() and not owner.is_gone()}
        working = {owner for owner in working if owner.pid != os.getpid()}
        if not working:
            return
        for owner in working - asked:
            with suppress(ProcessLookupError):
                os.kill(owner.pid, signal.SIGTERM)
        asked |= working
        time.sleep(0.1)


def durations(store: Store) -> list[tuple[dict[str, str], float]]:
    """Return params and total seconds of the runs that have finished."""
    finished = store.search("attributes.status = 'FINISHED'")
    return [
        (run.data.params, run.data.metrics["time/total_seconds"])
        for run in finished
        if "time/total_seconds" in run.data.metrics
    ]

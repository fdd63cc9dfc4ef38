"""A sweep in MLflow: a run of its own, with the manifest and the result, beside the flat runs of its members."""

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlplab.sweeps.manifest import FrozenJob, Manifest
from mlplab.tracking.earlier import JOB_TAG
from mlplab.tracking.process import Process
from mlplab.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run  # at run time mlplab.tracking imports MLflow, after it has set its environment

COMMAND_TAG = "sweep.command"  # only a sweep's own run has it
MANIFEST = "manifest.json"
STOP_SECONDS = 60.0

_STATE_OF = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "interrupted", "RUNNING": "running"}
STATES = tuple(_STATE_OF.values())


@dataclass(frozen=True)
class Member:
    """The last run of a job: finished, failed, interrupted or running; its final metrics, and why it failed."""

    run_id: str
    state: str
    final: dict[str, float]
    error: str


@dataclass(frozen=True)
class Recorded:
    """A sweep in the store: the run of its own, and what was frozen."""

    run: "Run"
    manifest: Manifest


def find(store: Store, digest: str) -> Recorded | None:
    """Return the last sweep of this command; None where there is none."""
    for run in store.search(f"tags.`{COMMAND_TAG}` = '{digest}'"):
        text = store.read_artifact(run.info.run_id, MANIFEST)
        if text is not None:  # one that was killed in its first moment has none
            return Recorded(run, Manifest.from_json(text))
    return None


def members(store: Store, sweep: str) -> dict[int, Member]:
    """Return the last run of every job that has one, by the job's number."""
    found: dict[int, Member] = {}
    for run in store.search(f"tags.sweep = '{sweep}'"):
        tags = run.data.tags
        if JOB_TAG in tags:
            final = {key: value for key, value in run.data.metrics.items() if key.startswith(("final/", "time/"))}
            member = Member(run.info.run_id, _STATE_OF[run.info.status], final, tags.get("error", ""))
            found.setdefault(int(tags[JOB_TAG]), member)
    return found


def score(final: Mapping[str, float]) -> float:
    """Return what ranks a run: validation accuracy where there is a validation split, test accuracy otherwise."""
    return final.get("final/val_accuracy", final["final/test_accuracy"])


def result(jobs: Sequence[FrozenJob], found: Mapping[int, Member], skipped: Sequence[int]) -> str:
    """Return the sweep's result as a document: every job with its state."""
    rows = []
    for job in jobs:
        member = found.get(job.number)
        state = "skipped" if job.number in skipped else member.state if member else "failed"
        rows.append(
            {
                "job": job.number,
                "name": job.name,
                "state": state,
                "run_id": member and member.run_id,
                "final": member.final if member else {},
                "error": member.error if member else "",
            }
        )
    return json.dumps(rows, indent=1)


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

"""A sweep in MLflow: a run of its own, with the manifest and the result, beside the flat runs of its members."""

import json
import logging
import os
import signal
import time
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from mlplab.errors import ManifestError
from mlplab.schema import COMMAND_TAG, ERROR_TAG, JOB_TAG, MANIFEST, SWEEP_TAG, TOTAL_SECONDS, State
from mlplab.sweeps.manifest import FrozenJob, Manifest
from mlplab.tracking.earlier import final_metrics, state_of
from mlplab.tracking.process import Process
from mlplab.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run  # at run time, MLflow must not be imported before its environment is prepared

log = logging.getLogger(__name__)

STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Member:
    """The last run of a job: its state, its final metrics, and why it failed."""

    run_id: str
    state: State
    final: dict[str, float]
    error: str


Elsewhere = Callable[[Store, Manifest], dict[int, Member]]


@dataclass(frozen=True)
class Recorded:
    """A sweep in the store: its own run, and its manifest."""

    run: "Run"
    manifest: Manifest


def find_sweep(store: Store, digest: str) -> Recorded | None:
    """Return the last sweep of the command with this digest; None if there is none.

    One whose manifest is damaged is passed over, with a warning.
    """
    for run in store.search(f"tags.`{COMMAND_TAG}` = '{digest}'"):
        text = store.read_artifacts(run.info.run_id, MANIFEST)[0]
        if text is None:  # a sweep that was killed in its first moment has none
            continue
        try:
            return Recorded(run, Manifest.from_json(text))
        except ManifestError as error:
            log.warning("%s: its %s %s: it is passed over", run.info.run_name, MANIFEST, error)
    return None


def find_members(store: Store, sweep: str) -> dict[int, Member]:
    """Return the last run of every job that has one, by the job's number."""
    members: dict[int, Member] = {}
    for run in store.search(f"tags.{SWEEP_TAG} = '{sweep}'"):
        tags = run.data.tags
        if JOB_TAG in tags:
            member = Member(run.info.run_id, state_of(run), final_metrics(run), tags.get(ERROR_TAG, ""))
            members.setdefault(int(tags[JOB_TAG]), member)
    return members


@dataclass(frozen=True)
class Outcome:
    """One job in the result of a sweep; run_id is empty if the job has no run."""

    job: int
    name: str
    state: State
    run_id: str
    final: dict[str, float]
    error: str


def list_outcomes(
    jobs: Sequence[FrozenJob], members: Mapping[int, Member], errors: Mapping[int, str], skipped: Container[int]
) -> list[Outcome]:
    """Return the outcome of every job, from the store and from the errors of jobs that failed without a run."""
    rows = []
    for job in jobs:
        member = members.get(job.number)
        state = State.new if member is None else member.state
        if job.number in errors:
            state = State.failed
        elif job.number in skipped:
            state = State.skipped
        error = errors.get(job.number) or (member.error if member else "")
        run_id, final = (member.run_id, member.final) if member else ("", {})
        rows.append(Outcome(job.number, job.name, state, run_id, final, error))
    return rows


def outcomes_as_json(rows: Sequence[Outcome]) -> str:
    """Return the outcomes as JSON."""
    return json.dumps([asdict(row) for row in rows], indent=1)


def stop_members(store: Store, sweep: str) -> None:
    """Ask members in other processes of this machine to stop; wait until they end, at most STOP_SECONDS."""
    asked: set[Process] = set()
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        running = store.search(f"tags.{SWEEP_TAG} = '{sweep}' and attributes.status = 'RUNNING'")
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


def find_durations(store: Store) -> list[tuple[dict[str, str], float]]:
    """Return params and total seconds of the runs that have finished."""
    finished = store.search("attributes.status = 'FINISHED'")
    return [
        (run.data.params, run.data.metrics[TOTAL_SECONDS]) for run in finished if TOTAL_SECONDS in run.data.metrics
    ]

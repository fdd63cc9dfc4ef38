"""A sweep on record: a run of its own, with the manifest and the result, beside the flat runs of its members."""

import json
import logging
import os
import signal
import time
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlplab.errors import JournalError, ManifestError
from mlplab.schema import (
    COMMAND_TAG,
    ERROR_TAG,
    JOB_TAG,
    MANIFEST,
    PROJECT_TAG,
    SWEEP_TAG,
    TOTAL_SECONDS,
    USER_TAG,
    State,
)
from mlplab.store.store import Store
from mlplab.store.uri import is_server
from mlplab.sweeps.manifest import FrozenJob, Manifest
from mlplab.terminal import say
from mlplab.tracking.earlier import final_metrics, state_of
from mlplab.tracking.identity import is_own
from mlplab.tracking.journaled import Journaled, read_journal
from mlplab.tracking.process import Process

if TYPE_CHECKING:
    from mlflow.entities import Run  # at run time, MLflow must not be imported before its environment is prepared

log = logging.getLogger(__name__)

STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Member:
    """The last run of a job.

    Attributes:
        run_id: MLflow's; empty as long as it does not have the run.
        final: its final metrics; those of time alone if it was pruned, none if it has not finished.
        error: why it failed.
        ended: when, in milliseconds since 1970; 0 if it has not.
    """

    run_id: str
    state: State
    final: dict[str, float]
    error: str = ""
    ended: int = 0


Elsewhere = Callable[[Store, Manifest], dict[int, Member]]


@dataclass(frozen=True)
class Recorded:
    """A sweep in the store: its own run, and its manifest."""

    run: "Run"
    manifest: Manifest


def find_sweep(store: Store, digest: str) -> Recorded | None:
    """Return this user's last sweep of the command with this digest; None if there is none.

    One whose manifest is damaged is passed over, with a warning. On a server, where others have their sweeps too, it
    is one of the same project, and those passed over are named.

    Raises:
        StoreError: the store does not answer.
    """
    for run in store.search(f"tags.`{COMMAND_TAG}` = '{digest}'"):
        text = store.read_artifacts(run.info.run_id, MANIFEST)[0]
        if text is None:  # a sweep that was killed in its first moment has none
            continue
        try:
            manifest = Manifest.from_json(text)
        except ManifestError as error:
            log.warning("%s: its %s %s: it is passed over", run.info.run_name, MANIFEST, error)
            continue
        if not is_server(store.uri) or is_own(run.data.tags):
            return Recorded(run, manifest)
        owner, project = run.data.tags.get(USER_TAG), run.data.tags.get(PROJECT_TAG)
        say(f"sweep {manifest.sweep} of the same command is passed over: it is {owner}'s, of {project}")
    return None


def stored_members(store: Store, sweep: str) -> dict[int, Member]:
    """Return the last run of every job that has one in the store, by the job's number. Raises StoreError."""
    members: dict[int, Member] = {}
    for run in store.search(f"tags.{SWEEP_TAG} = '{sweep}'"):
        tags = run.data.tags
        if JOB_TAG in tags:
            error, ended = tags.get(ERROR_TAG, ""), run.info.end_time or 0
            member = Member(run.info.run_id, state_of(run), final_metrics(run), error, ended)
            members.setdefault(int(tags[JOB_TAG]), member)
    return members


def journaled_members(manifest: Manifest) -> dict[int, Member]:
    """Return the run of every job whose journal lies in the sweep's folder, by the job's number."""
    return {
        number: Member(run.run_id or "", run.state, run.final, run.error, run.ended)
        for number, run in journals_of(manifest).items()
    }


def journals_of(manifest: Manifest) -> dict[int, Journaled]:
    """Return what the journals of the members tell that lie in the sweep's folder, by the job's number."""
    found = {}
    for job in manifest.jobs:
        try:
            journaled = read_journal(Path(manifest.folder) / str(job.number))
        except JournalError as error:
            log.warning("%s", error)
            continue
        if journaled is not None and journaled.tags.get(SWEEP_TAG) == manifest.sweep:
            found[job.number] = journaled
    return found


@dataclass(frozen=True)
class Outcome:
    """One job in the result of a sweep; run_id is empty if the store has no run of it."""

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


def complete_outcomes(text: str, members: Mapping[int, Member]) -> list[Outcome]:
    """Return the outcomes that :func:`outcomes_as_json` wrote, with the ids that the store has given since."""
    rows = [Outcome(**{**row, "state": State(row["state"])}) for row in json.loads(text)]
    return [replace(row, run_id=members[row.job].run_id) if row.job in members else row for row in rows]


def stop_members(manifest: Manifest) -> None:
    """Ask members in other processes of this machine to stop; wait until they end, at most STOP_SECONDS."""
    asked: set[Process] = set()
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        running = [run for run in journals_of(manifest).values() if run.state is State.running]
        working = {run.owner for run in running if run.owner is not None and run.owner.is_here()}
        working = {owner for owner in working if owner.pid != os.getpid() and not owner.is_gone()}
        if not working:
            return
        for owner in working - asked:
            with suppress(ProcessLookupError):
                os.kill(owner.pid, signal.SIGTERM)
        asked |= working
        time.sleep(0.1)


def find_durations(store: Store) -> list[tuple[dict[str, str], float]]:
    """Return params and total seconds of the runs that have finished."""
    finished = [run for run in store.search("attributes.status = 'FINISHED'") if state_of(run) is State.finished]
    return [
        (run.data.params, run.data.metrics[TOTAL_SECONDS]) for run in finished if TOTAL_SECONDS in run.data.metrics
    ]

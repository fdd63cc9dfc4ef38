"""The earlier run that ``resume=true`` continues."""

from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import Run

from mlplab.config import TrainConfig
from mlplab.paths import from_portable
from mlplab.schema import (
    DIVERGED_TAG,
    FINAL,
    FINGERPRINT_TAG,
    FOLDER_TAG,
    JOB_TAG,
    PROJECT_TAG,
    STATE_TAG,
    SWEEP_TAG,
    THREADS_TAG,
    TIME,
    USER_TAG,
    State,
    run_state,
)
from mlplab.store.store import Store
from mlplab.store.uri import is_server
from mlplab.terminal import say
from mlplab.tracking.identity import is_own
from mlplab.tracking.journaled import read_journal
from mlplab.tracking.lease import end_silent
from mlplab.tracking.vanished import journal_of


@dataclass(frozen=True)
class Earlier:
    """A run in the store.

    Attributes:
        state: finished, pruned, killed, running or failed.
        folder: of its output, its journal and its checkpoint.
        final: its final metrics; those of time alone if it was pruned, none if it has not finished.
        threads: how many its matrix products used; None where that was not recorded.
    """

    run_id: str | None
    state: State
    folder: Path
    final: dict[str, float]
    threads: str | None


def find_earlier(store: Store, settings: TrainConfig, fingerprint: str, lease: float) -> Earlier | None:
    """Return the last run with this fingerprint that did not diverge; None if there is none.

    For a member of a sweep it is a run of the same job of the same sweep, otherwise a run outside of sweeps. After a
    change of code or data the fingerprint is another: a run cannot continue what other code computed.

    On a server it is one of this user and project; those passed over are named.

    Raises:
        ClaimedError: a process of another machine writes it, and has shown so within ``lease`` seconds.
        StoreError: the store does not answer.
    """
    tracking = settings.tracking
    own = f"tags.{FINGERPRINT_TAG} = '{fingerprint}' and tags.`{FOLDER_TAG}` != ''"
    if tracking.sweep is not None:
        own += f" and tags.{SWEEP_TAG} = '{tracking.sweep}'"
    job = None if tracking.job is None else str(tracking.job)
    candidates = [
        run
        for run in store.search(own)
        if (run.data.tags.get(SWEEP_TAG), run.data.tags.get(JOB_TAG)) == (tracking.sweep, job)
    ]
    for run in candidates:
        if DIVERGED_TAG in run.data.tags:
            continue
        if is_server(store.uri) and not is_own(run.data.tags):
            user, project = run.data.tags.get(USER_TAG), run.data.tags.get(PROJECT_TAG)
            say(f"run {run.info.run_id} of the same config is passed over: it is {user}'s, of {project}")
            continue
        if state_of(run) is State.running and journal_of(run) is None:
            end_silent(store, [run], lease, f"resume=true: run {run.info.run_id} is still running")
            (run,) = store.find([run.info.run_id])
        return _earlier(run)
    return None


def find_in_journal(folder: Path, fingerprint: str) -> Earlier | None:
    """Return the run whose journal lies in the folder; None if there is none with this fingerprint, or it diverged.

    Raises:
        JournalError: the journal is damaged.
    """
    journaled = read_journal(folder)
    if journaled is None or journaled.tags.get(FINGERPRINT_TAG) != fingerprint or journaled.diverged:
        return None
    return Earlier(journaled.run_id, journaled.state, folder, journaled.final, journaled.tags.get(THREADS_TAG))


def _earlier(run: Run) -> Earlier:
    tags = run.data.tags
    folder = from_portable(tags[FOLDER_TAG])
    return Earlier(run.info.run_id, state_of(run), folder, final_metrics(run), tags.get(THREADS_TAG))


def state_of(run: Run) -> State:
    """Return the state of a run in the store."""
    return run_state(run.info.status, run.data.tags.get(STATE_TAG))


def final_metrics(run: Run) -> dict[str, float]:
    """Return the final metrics of a run; those of time alone if it was pruned, none if it has not finished."""
    return {key: value for key, value in run.data.metrics.items() if key.startswith((FINAL, TIME))}

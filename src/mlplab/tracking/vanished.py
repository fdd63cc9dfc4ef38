"""Runs in the store that nobody writes any more, although they are marked RUNNING: found, and closed as KILLED.

A run whose journal lies on this machine is not looked at here: its claim says whether somebody writes it, and
``outbox`` ends it. What remains are runs of other machines, of older code, and of folders that somebody removed.
"""

import socket
from pathlib import Path

from mlflow.entities import Run

from mlplab.errors import JournalError
from mlplab.paths import from_portable
from mlplab.schema import FOLDER_TAG, HEARTBEAT_TAG, JOURNAL_TAG, OBSERVED_TAG
from mlplab.store.store import Store
from mlplab.tracking.heartbeat import Observation, look_at
from mlplab.tracking.journal import NAME, read_records
from mlplab.tracking.process import Process
from mlplab.tracking.records import Begin, Created, Sent


def close_vanished(store: Store) -> list[str]:
    """Mark as KILLED the runs whose process is gone, and return their ids; delete twins of runs. Raises StoreError."""
    closed = []
    for run in store.search("attributes.status = 'RUNNING'"):
        if _is_twin(run):
            with store.explaining():
                store.client.delete_run(run.info.run_id)
        elif _has_vanished(store, run):
            with store.explaining():
                store.client.set_terminated(run.info.run_id, "KILLED")
            closed.append(run.info.run_id)
    return closed


def journal_of(run: Run) -> Path | None:
    """Return the journal of a run in the store; None if it does not lie on this machine."""
    key, folder = run.data.tags.get(JOURNAL_TAG), run.data.tags.get(FOLDER_TAG)
    if key is None or folder is None:
        return None
    path = from_portable(folder) / NAME
    try:
        first = next(read_records(path), None)
    except (JournalError, OSError):  # damaged, or somebody else's
        return None
    return path if isinstance(first, Begin) and first.key == key else None


def _is_twin(run: Run) -> bool:
    """Tell whether the store created this run for an answer that was lost: its journal is that of another run."""
    path = journal_of(run)
    if path is None:
        return False
    ids: list[str] = []
    for record in read_records(path, with_points=False):
        if isinstance(record, Created):
            ids.append(record.run_id)
        elif isinstance(record, Sent) and record.count == 0:  # all that follows is of another store
            ids.clear()
    return bool(ids) and run.info.run_id not in ids


def _has_vanished(store: Store, run: Run) -> bool:
    if journal_of(run) is not None:
        return False
    owner, tags = Process.from_tags(run.data.tags), run.data.tags
    if owner is not None and owner.is_here():
        gone = owner.is_gone()
    elif HEARTBEAT_TAG in tags:
        gone = _is_silent(store, run)
    else:
        return False
    # Ask again: between the search and the end of its process a run may have ended in order.
    with store.explaining():
        return gone and bool(store.client.get_run(run.info.run_id).info.status == "RUNNING")


def _is_silent(store: Store, run: Run) -> bool:
    """Look at the heartbeat of a run on another machine, note what was seen, and tell whether it is dead."""
    tag, tags = f"{OBSERVED_TAG}{socket.gethostname()}", run.data.tags
    before = Observation.from_note(tags[tag]) if tag in tags else None
    now = look_at(tags[HEARTBEAT_TAG], before)
    if now != before:
        with store.explaining():
            store.client.set_tag(run.info.run_id, tag, now.note())
    return now.is_of_a_dead_run

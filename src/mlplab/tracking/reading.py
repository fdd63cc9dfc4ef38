"""What to read runs from: the store, once everything is sent; while it is away, a store made of the journals."""

import atexit
import logging
import shutil
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlplab.errors import JournalError, StoreAwayError
from mlplab.store.store import Store, connect, find_store
from mlplab.store.target import PATIENCE_SECONDS, Target, note_outage
from mlplab.store.uri import DEFAULT_EXPERIMENT, DEFAULT_URI, SQLITE, absolute
from mlplab.tracking import delivery, outbox
from mlplab.tracking.claim import Claim, is_claimed
from mlplab.tracking.journal import ARTIFACTS, NAME, Journal
from mlplab.tracking.vanished import close_vanished

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """A store to read from.

    Attributes:
        is_stand_in: whether it was made of journals because the target is away; its ids and links are worth nothing.
    """

    store: Store
    is_stand_in: bool


def begin_command(target: Target) -> Store | None:
    """Return the store, None if it is away, after everything that can be sent is sent, and dead runs are ended.

    Raises:
        StoreError: the store cannot be used.
    """
    store = target.reach()
    unsent = outbox.send_all(target, is_away=store is None)
    if store is None or unsent.is_away:
        return None
    try:
        close_vanished(store)
    except StoreAwayError as error:
        note_outage(target.uri, str(error))
        return None
    return store


def end_dead_runs(store: Store) -> bool:
    """End the runs whose process is gone, after sending what they left; return whether there were any.

    Raises:
        StoreError: the store does not answer.
    """
    unsent = outbox.send_all(Target(store.uri, DEFAULT_EXPERIMENT))
    return bool(close_vanished(store) or unsent.sent)


def read_from(target: Target, folders: Iterable[Path] = ()) -> Reading:
    """Return what to read runs from.

    Args:
        target: the store.
        folders: of journals to read while it is away, beside all that are not sent.

    Raises:
        StoreError: the store cannot be used.
    """
    folders = list(folders)
    if target.reach() is not None:
        _wait_for_senders(folders)
    store = begin_command(target)
    if store is not None:
        return Reading(store, is_stand_in=False)
    return read_journals(target, folders)


def read_journals(target: Target, folders: Iterable[Path]) -> Reading:
    """Return the journals in these folders, and all that are not sent, to read runs from: the store is away."""
    return Reading(_stand_in(target, [*folders, *outbox.unsent_folders(target)]), is_stand_in=True)


def read_existing(uri: str | None, experiment: str) -> Reading:
    """Return what to read runs from, for a command that makes none: a store that exists, or the journals kept for it.

    Raises:
        StoreAwayError: it does not answer, and no journal is kept.
        StoreError: there is no such store or experiment, or it cannot be used.
    """
    target = Target(absolute(uri or DEFAULT_URI), experiment)
    try:
        store = find_store(uri, experiment)
        end_dead_runs(store)
    except StoreAwayError as error:
        kept = outbox.unsent_folders(target)
        if not kept:
            raise StoreAwayError(f"{error}; start it, or correct tracking.uri") from error
        log.warning("%s: what is shown are the %d runs that it does not have yet", error, len(kept))
        return Reading(_stand_in(target, kept), is_stand_in=True)
    return Reading(store, is_stand_in=False)


def _wait_for_senders(folders: Sequence[Path]) -> None:
    """Wait a little for journals that have ended and that the processes which wrote them still send."""
    ended = {folder.resolve() for folder in folders} & {folder.resolve() for folder in outbox.unsent_folders()}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and any(is_claimed(folder) for folder in ended):
        time.sleep(0.1)


def _stand_in(target: Target, folders: Iterable[Path]) -> Store:
    """Return a store in a temporary file that has the runs of these journals, without their models."""
    place = Path(tempfile.mkdtemp(prefix="mlplab-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    store = connect(f"{SQLITE}{place / 'mlflow.db'}", target.experiment)
    for folder in dict.fromkeys(path.resolve() for path in folders):
        if (folder / NAME).exists():
            try:
                _replay(store, _copy(folder, place))
            except JournalError as error:
                log.warning("%s", error)
    return store


def _copy(folder: Path, place: Path) -> Path:
    """Return a new folder with copies of the journal and of the files beside it; not the model, which is large.

    No links: once the store is back, a sender removes the files at any moment.
    """
    copy = Path(tempfile.mkdtemp(dir=place))
    shutil.copy(folder / NAME, copy)
    (copy / ARTIFACTS).mkdir()
    with suppress(FileNotFoundError):
        for file in (folder / ARTIFACTS).glob("*"):
            if file.is_file():
                shutil.copy(file, copy / ARTIFACTS)
    return copy


def _replay(store: Store, folder: Path) -> None:
    claim = Claim.take(folder)
    assert claim is not None
    journal = Journal(folder, claim)
    journal.forget_store()
    while not journal.is_sent:
        delivery.deliver_next(store, journal)
    journal.close()

"""Journals that their stores do not have whole: whoever comes later sends them, if nobody writes them any more.

An entry is a small file in outputs/.unsent, named by the journal's key, which says where the journal lies. It is made
before the journal, and removed when everything is sent.
"""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import track

from mlplab.errors import JournalError, LostRunError, StoreError
from mlplab.paths import PROJECT_ROOT, from_portable, portable
from mlplab.store.faults import explained, is_away, reason_of
from mlplab.store.target import Target, note_outage
from mlplab.store.uri import DEFAULT_EXPERIMENT, from_portable_uri, portable_uri
from mlplab.tracking import delivery
from mlplab.tracking.claim import Claim, is_claimed
from mlplab.tracking.journal import ARTIFACTS, NAME, Journal, read_records
from mlplab.tracking.process import Process
from mlplab.tracking.records import Begin, End

log = logging.getLogger(__name__)

FEW = 20  # journals that are sent before anybody asks what takes so long
_FOLDER = PROJECT_ROOT / "outputs" / ".unsent"


def enter(key: str, folder: Path) -> None:
    """Note that the journal in ``folder`` is not sent. Raises OSError."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    unfinished = _FOLDER / f".{key}"
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(portable(folder))
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(_FOLDER / key)


def remove(journal: Journal) -> None:
    """Note that everything is sent, and remove the copies of the files that were."""
    shutil.rmtree(journal.artifacts, ignore_errors=True)
    if journal.unwritten_bytes:  # on a full disk it lacks its end, and would be taken for that of a killed run
        (journal.folder / NAME).unlink(missing_ok=True)
    (_FOLDER / journal.beginning.key).unlink(missing_ok=True)


def set_aside(folder: Path) -> None:
    """Move the journal of a former run in this folder, and its files, into a folder of their own below it.

    The caller holds the claim of ``folder``.
    """
    if not (folder / NAME).exists():
        return
    former = Path(tempfile.mkdtemp(prefix="former-", dir=folder))
    first = _first(folder)
    if first is not None and (_FOLDER / first.key).exists():
        enter(first.key, former)
    for name in (ARTIFACTS, NAME):  # the journal last: it makes the folder one
        if (folder / name).exists():
            (folder / name).rename(former / name)


def unsent_folders(target: Target | None = None) -> list[Path]:
    """Return the folders of the journals that are not sent, in the order of their keys; only those for a target."""
    folders = [folder for _, folder in _entries()]
    if target is None:
        return folders
    return [folder for folder in folders if (first := _first(folder)) and first.uri == portable_uri(target.uri)]


def _first(folder: Path) -> Begin | None:
    try:
        first = next(read_records(folder / NAME), None)
    except JournalError:  # whoever sends it says so
        return None
    return first if isinstance(first, Begin) else None


def targets(uri: str, only: bool) -> list[Target]:
    """Return the stores and experiments that something waits for, and that of new runs.

    Args:
        uri: of the store for new runs, perhaps with a password, which journals do not have.
        only: leave out all other stores.
    """
    addresses = {portable_uri(uri): uri}
    found = {Target(uri, DEFAULT_EXPERIMENT)}
    for folder in unsent_folders():
        first = _first(folder)
        if first is not None and (first.uri in addresses or not only):
            found.add(Target(addresses.get(first.uri, from_portable_uri(first.uri)), first.experiment))
    return sorted(found, key=lambda target: (target.uri, target.experiment))


def _entries() -> Iterator[tuple[Path, Path]]:
    if not _FOLDER.is_dir():
        return
    for entry in sorted(path for path in _FOLDER.iterdir() if not path.name.startswith(".")):
        try:
            folder = from_portable(entry.read_text(encoding="utf-8"))
        except FileNotFoundError:  # sent meanwhile, by another process
            continue
        if not (folder / NAME).exists() and _is_of(entry.name, folder.parent):
            folder = folder.parent  # its process was killed while it set the journal aside
        if (folder / NAME).exists():
            yield entry, folder
        elif not is_claimed(folder):
            entry.unlink(missing_ok=True)  # somebody removed the folder, or the process died before it began


def _is_of(key: str, folder: Path) -> bool:
    first = _first(folder)
    return first is not None and first.key == key


@dataclass
class Unsent:
    """What one look at the outbox found.

    Attributes:
        sent: folders of the journals that are whole in the store now.
        is_away: whether the store does not answer.
        waiting: folders of those that wait for it.
        values: of metrics, in those that wait.
        busy: folders of those that other processes write.
        damaged: folders of those that cannot be read.
        refusals: why a store refuses a journal, by folder.
    """

    is_away: bool = False
    sent: list[Path] = field(default_factory=list)
    waiting: list[Path] = field(default_factory=list)
    values: int = 0
    busy: list[Path] = field(default_factory=list)
    damaged: list[Path] = field(default_factory=list)
    refusals: dict[Path, StoreError] = field(default_factory=dict)


def send_all(target: Target, is_away: bool = False) -> Unsent:
    """Send the journals that nobody writes; end the runs of those whose process is gone, as KILLED.

    Args:
        target: only journals for this store are sent.
        is_away: the store is known not to answer: nothing is sent, but runs are ended.
    """
    found = Unsent(is_away=is_away)
    entries = list(_entries())
    is_long = len(entries) > FEW and not is_away
    for entry, folder in track(entries, "sending what earlier runs left", transient=True, disable=not is_long):
        _send_one(target, entry, folder, found)
    return found


def _send_one(target: Target, entry: Path, folder: Path, found: Unsent) -> None:
    try:
        claim = Claim.take(folder, patience=0)
    except OSError as error:  # somebody else's folder, or one that cannot be written
        found.damaged.append(folder)
        log.warning("%s: its journal cannot be sent (%s)", folder, error.strerror)
        return
    if claim is None:
        found.busy.append(folder)
        return
    try:
        journal = Journal(folder, claim)
    except (JournalError, OSError) as error:
        claim.release()
        found.damaged.append(folder)
        log.warning("%s", error)
        return
    try:
        if not journal.records:
            entry.unlink(missing_ok=True)  # its process was killed before it began
        elif journal.beginning.uri == portable_uri(target.uri):
            _send(target, journal, found)
    except LostRunError as error:
        log.warning("%s, and what this one had left is not sent", error)
        remove(journal)
    except JournalError as error:
        found.damaged.append(folder)
        log.warning("%s", error)
    finally:
        journal.close()


def _send(target: Target, journal: Journal, found: Unsent) -> None:
    if journal.is_open:
        owner = Process.from_tags(journal.owner_tags)
        if owner is not None and owner.is_here() and owner.pid != os.getpid() and not owner.is_gone():
            found.busy.append(journal.folder)  # it lives: this folder is a copy of its own
            return
        journal.append(End("KILLED", time.time_ns() // 1_000_000))
    own = Target(target.uri, journal.beginning.experiment, target.offline)
    try:
        if not found.is_away:
            store = own.connect()
            while not journal.is_sent:
                delivery.prepare(store, journal)  # each time: another machine may take the run over meanwhile
                delivery.deliver_next(store, journal)
    except Exception as error:
        if isinstance(error, LostRunError):
            raise
        if not is_away(target.uri, error) or own.answers():  # then it is this journal that it does not take
            found.refusals[journal.folder] = StoreError(f"{explained(target.uri, error)}")
            return
        found.is_away = True
        note_outage(target.uri, reason_of(error))
    if journal.is_sent:
        found.sent.append(journal.folder)
        remove(journal)
    else:
        found.waiting.append(journal.folder)
        found.values += journal.waiting_values

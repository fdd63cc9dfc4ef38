"""Open the journal of a run for the one process that may write it."""

from pathlib import Path

from mlplab.errors import ClaimedError
from mlplab.tracking import outbox
from mlplab.tracking.claim import Claim
from mlplab.tracking.journal import Journal
from mlplab.tracking.journaled import read_journal


def open_journal(name: str, folder: Path, goes_on: bool, resumed: str | None) -> Journal:
    """Return the journal in a folder: a new one, or that of the run that goes on.

    Args:
        name: of the run, for messages.
        folder: is created where it does not exist.
        goes_on: whether the run whose journal lies there goes on; otherwise that journal is set aside.
        resumed: MLflow's id of the run that goes on; the journal of another one is set aside. None: not known.

    Raises:
        ClaimedError: another process writes it.
        JournalError: it is damaged.
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not goes_on:
        return _opened(name, folder, anew=True)
    journal = _opened(name, folder)
    if resumed is None or journal.run_id in (None, resumed):
        return journal
    journal.close()  # of another run, which was given the same folder
    return _opened(name, folder, anew=True)


def _opened(name: str, folder: Path, anew: bool = False) -> Journal:
    claim = Claim.take(folder)
    if claim is None:
        journaled = read_journal(folder)
        owner = (journaled and journaled.owner) or "another process"
        raise ClaimedError(f"{name}: {owner} works on it, in {folder}; wait for it, or stop it")
    try:
        if anew:
            outbox.set_aside(folder)
        return Journal(folder, claim)
    except BaseException:
        claim.release()
        raise

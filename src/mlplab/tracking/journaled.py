"""What the journal of a run tells without its store: its state, its results, and who writes it."""

from dataclasses import dataclass
from pathlib import Path

from mlplab.schema import State
from mlplab.tracking.claim import is_claimed
from mlplab.tracking.journal import NAME, read_records
from mlplab.tracking.process import Process
from mlplab.tracking.records import Begin, Created, End, Sent


@dataclass(frozen=True)
class Journaled:
    """A run by its journal.

    Attributes:
        run_id: MLflow's; None as long as the store has not created it.
        tags: those it began with.
        state: finished, pruned, failed or killed; running as long as a live process writes it.
        final: its final metrics; those of time alone if it was pruned, none if it has not finished.
        diverged: whether it failed because training diverged.
        ended: when, in milliseconds since 1970; 0 if it has not, or was killed outright.
    """

    run_id: str | None
    tags: dict[str, str]
    state: State
    final: dict[str, float]
    error: str
    diverged: bool
    ended: int

    @property
    def owner(self) -> Process | None:
        """The process that writes it, or wrote it last."""
        return Process.from_tags(self.tags)


def read_journal(folder: Path) -> Journaled | None:
    """Return the run whose journal lies in the folder; None if there is none.

    Raises:
        JournalError: the journal is damaged.
    """
    run_id, begin, end = None, None, None
    for record in read_records(folder / NAME, with_points=False):
        if isinstance(record, Begin):
            begin, end = record, None
            run_id = record.run_id or run_id
        elif isinstance(record, End):
            end = record
        elif isinstance(record, Created):
            run_id = record.run_id
        elif isinstance(record, Sent) and record.count == 0:
            run_id = None
    if begin is None:
        return None
    if end is not None:
        return Journaled(run_id, begin.tags, end.state, end.final, end.error, end.diverged, end.time)
    state = State.running if is_claimed(folder) else State.killed
    return Journaled(run_id, begin.tags, state, {}, "", False, 0)

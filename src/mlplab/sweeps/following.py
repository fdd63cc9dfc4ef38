"""How far the members of a sweep are, by their journals: no store is asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

from mlplab import schema
from mlplab.errors import JournalError
from mlplab.schema import State
from mlplab.sweeps.manifest import FrozenJob
from mlplab.tracking.growing import GrowingJournal
from mlplab.tracking.records import Begin, End, Input, Points, Record


@dataclass
class MemberProgress:
    """One member.

    Attributes:
        state: new as long as it has not begun since the sweep was launched.
        seconds: that it took; 0 as long as it is not done.
    """

    job: FrozenJob
    journal: GrowingJournal
    state: State = State.new
    step: int = 0
    loss: float | None = None
    accuracy: float | None = None
    error: str = ""
    seconds: float = 0.0
    _rows: int | None = field(default=None, init=False)

    @property
    def has_ended(self) -> bool:
        """Whether it has finished, was pruned, or failed."""
        return self.state.is_done or self.state is State.failed

    @property
    def share(self) -> float:
        """How much of it is done, from 0 to 1."""
        if self.has_ended:
            return 1.0
        return 0.0 if self.state is State.new or self._rows is None else min(self.step / self._steps(self._rows), 1.0)

    @property
    def epoch(self) -> str:
        """The epoch under way, of how many: ``3/15``; "" as long as that is not known."""
        if self._rows is None or self.step == 0:
            return ""
        per_epoch = self._steps_per_epoch(self._rows)
        return f"{ceil(self.step / per_epoch)}/{ceil(self._steps(self._rows) / per_epoch)}"

    def _steps_per_epoch(self, rows: int) -> int:
        return ceil(rows / int(self.job.config["batch_size"]))

    def _steps(self, rows: int) -> int:
        config = self.job.config
        return int(config["iterations"] or config["epochs"] * self._steps_per_epoch(rows))

    def note(self, record: Record) -> None:
        """Take in what the journal says next."""
        if isinstance(record, Begin):
            self.state, self.error = State.running, ""
        elif isinstance(record, Input):
            self._rows = int(str(record.profile["train"]))
        elif isinstance(record, Points) and record.step > 0:  # at 0 it has its results
            self.step = record.step
            self.loss = record.values.get(schema.loss("train"), self.loss)
            self.accuracy = record.values.get(schema.accuracy("test"), self.accuracy)
        elif isinstance(record, End):
            self.state, self.error = record.state, record.error
            self.accuracy = record.final.get(schema.final_accuracy("test"), self.accuracy)
            self.loss = record.final.get(schema.final_loss("train"), self.loss)
            self.seconds = record.final.get(schema.TOTAL_SECONDS, 0.0)


class FollowedMembers:
    """The members that are launched now, in the order of their jobs."""

    def __init__(self, folder: Path, jobs: Sequence[FrozenJob]) -> None:
        """Note where each is; one that begins again is new until then."""
        self.members = [MemberProgress(job, GrowingJournal(folder / str(job.number))) for job in jobs]
        self.read()
        for member in self.members:
            member.state = State.new

    def read(self) -> None:
        """Take in what has been written since. A journal that is damaged says nothing more: its resume names it."""
        for member in self.members:
            try:
                for record in member.journal.new_records():
                    member.note(record)
            except (JournalError, OSError):
                continue

    @property
    def share(self) -> float:
        """How much of the whole is done, from 0 to 1."""
        return sum(member.share for member in self.members) / len(self.members)

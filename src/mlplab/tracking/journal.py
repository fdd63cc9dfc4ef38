"""The journal of a run: a file of records to which its one writer appends, and from which a sender delivers."""

import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from mlplab.errors import JournalError
from mlplab.tracking.claim import Claim
from mlplab.tracking.records import (
    Begin,
    Created,
    Deliverable,
    End,
    Points,
    Record,
    Sent,
    from_line,
    to_line,
)

NAME = "journal.jsonl"
ARTIFACTS = "artifacts"  # beside it: the files that are not all sent yet
_POINTS = to_line(Points(0, 0, {})).partition(",")[0].encode()  # how the line of points begins
FSYNC_SECONDS = 2.0  # what a power cut may cost of the points; everything else is on the disk at once


class Journal:
    """The journal in a folder, for the process that holds its claim. Threads may share it.

    Attributes:
        folder: has the journal, and the artifacts until they are sent.
        records: all that were ever appended, apart from what senders noted.
        pending: those of them that the store does not have yet.
        run_id: MLflow's; None until the run is created.
        tried: whether the store may have created the run although nobody knows its id.
    """

    def __init__(self, folder: Path, claim: Claim) -> None:
        """Read the journal, or prepare a new one.

        Raises:
            JournalError: it is damaged.
            OSError: it cannot be read or written.
        """
        self.folder, self._claim = folder, claim
        self._path = folder / NAME
        self.records: list[Deliverable] = []
        self.run_id: str | None = None
        self._sent = 0
        self._size = 0  # of the file's complete lines
        self._unwritten = b""  # what a full disk did not take
        for record in read_records(self._path):
            self._note(record)
        self.tried = bool(self.records) and self.run_id is None
        self.pending = deque(self.records[self._sent :])
        self._waiting = sum(map(_values_of, self.pending))
        self._lock = threading.RLock()
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        self._size = _complete_size(self._path)
        os.ftruncate(self._file, self._size)  # half a line: the process died while it wrote
        self._next_fsync = 0.0
        self._closed = False

    @property
    def beginning(self) -> Begin:
        """The first record. Raises JournalError: there is none."""
        if not self.records or not isinstance(self.records[0], Begin):
            raise JournalError(f"{self._path}: has no beginning")
        return self.records[0]

    @property
    def owner_tags(self) -> dict[str, str]:
        """The tags that the last process to write it gave the run."""
        return next(record.tags for record in reversed(self.records) if isinstance(record, Begin))

    @property
    def is_adopting(self) -> bool:
        """Whether it begins with a run of the store's that it has not taken over yet: that one is another's."""
        return self._sent == 0 and bool(self.records) and self.beginning.run_id is not None

    @property
    def writers(self) -> list[dict[str, str]]:
        """The tags that each process that wrote it gave the run."""
        return [record.tags for record in self.records if isinstance(record, Begin)]

    @property
    def artifacts(self) -> Path:
        """The folder of the files that the run leaves."""
        return self.folder / ARTIFACTS

    @property
    def is_open(self) -> bool:
        """Whether the run has begun and not ended; artifacts and tags may be added after its end."""
        return isinstance(next((one for one in reversed(self.records) if isinstance(one, Begin | End)), None), Begin)

    @property
    def is_sent(self) -> bool:
        """Whether the store has everything."""
        return not self.pending

    @property
    def waiting_values(self) -> int:
        """How many values of metrics the store does not have yet."""
        return self._waiting

    def append(self, record: Record) -> None:
        """Write the record. On a full disk it is kept, and written with the next one."""
        with self._lock:
            self._note(record)
            if not isinstance(record, Created | Sent):
                self.pending.append(record)
                self._waiting += _values_of(record)
            self._write(to_line(record).encode() + b"\n")
            is_routine = isinstance(record, Points | Sent)
            if not is_routine or time.monotonic() >= self._next_fsync:
                self._next_fsync = time.monotonic() + FSYNC_SECONDS
                os.fsync(self._file)

    def next_records(self, most_values: int) -> list[Deliverable]:
        """Return the next pending record, or several if they are points, of at most so many values together."""
        with self._lock:
            taken: list[Deliverable] = []
            values = 0
            for record in self.pending:
                if not isinstance(record, Points):
                    return taken or [record]
                values += len(record.values)
                if taken and values > most_values:
                    break
                taken.append(record)
            return taken

    def is_pending(self, record: Deliverable) -> bool:
        """Whether the store does not have such a record yet."""
        with self._lock:
            return record in self.pending

    def mark_sent(self, count: int) -> None:
        """Note that the store has the next ``count`` pending records."""
        with self._lock:
            for _ in range(count):
                self._waiting -= _values_of(self.pending.popleft())
            self.append(Sent(self._sent + count))

    def mark_created(self, run_id: str) -> None:
        """Note the id that the store gave the run."""
        self.append(Created(run_id))
        self.tried = False

    def forget_store(self) -> None:
        """Let everything be sent again, as to a new store: the former one is gone."""
        with self._lock:
            self.run_id = None
            self.pending = deque(self.records)
            self._waiting = sum(map(_values_of, self.pending))
            self.append(Sent(0))

    @property
    def unwritten_bytes(self) -> int:
        """How much of the journal is not on the disk, because that is full."""
        return len(self._unwritten)

    def close(self) -> None:
        """Close the file, and release the claim; may be called twice."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._file)
                self._claim.release()

    def _note(self, record: Record) -> None:
        if isinstance(record, Created):
            self.run_id = record.run_id
        elif isinstance(record, Sent):
            self._sent = record.count
            if not record.count:
                self.run_id = None
        else:
            self.records.append(record)
            if isinstance(record, Begin) and record.run_id is not None:
                self.run_id = record.run_id

    def _write(self, line: bytes) -> None:
        data = self._unwritten + line
        try:
            done = 0
            while done < len(data):
                done += os.pwrite(self._file, data[done:], self._size + done)
        except OSError:
            self._unwritten = data
            return
        self._size += len(data)
        self._unwritten = b""


def _values_of(record: Deliverable) -> int:
    return len(record.values) if isinstance(record, Points) else 0


def read_records(path: Path, with_points: bool = True) -> Iterator[Record]:
    """Yield the records of a journal; none if the file does not exist. Half a line at its end is passed over.

    Without points it is ten times as fast: nearly every line is one.

    Raises:
        JournalError: a line is no record.
        OSError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.endswith(b"\n") and (with_points or not line.startswith(_POINTS)):
                    try:
                        yield from_line(line.decode())
                    except (JournalError, UnicodeDecodeError) as error:
                        raise JournalError(f"{path}: line {number}: {error}; move the file away") from error
    except FileNotFoundError:
        return


def _complete_size(path: Path) -> int:
    content = path.read_bytes()
    return content.rfind(b"\n") + 1

"""A journal that another process writes, read on as it grows."""

import os
from pathlib import Path

from mlplab.tracking.journal import NAME
from mlplab.tracking.records import Record, from_line


class GrowingJournal:
    """The journal in a folder. What was read is not read again, however long the journal is."""

    def __init__(self, folder: Path) -> None:
        """Prepare; the journal need not exist yet."""
        self._path = folder / NAME
        self._file = self._read = 0  # the number of the file, and how many of its bytes

    def new_records(self) -> list[Record]:
        """Return what was appended since the last call; all of another journal that has taken its place.

        Raises:
            JournalError: a line is no record.
            OSError: it cannot be read.
        """
        try:
            with self._path.open("rb") as file:
                now = os.fstat(file.fileno())
                if now.st_ino != self._file or now.st_size < self._read:
                    self._file, self._read = now.st_ino, 0
                file.seek(self._read)
                content = file.read()
        except FileNotFoundError:
            return []
        lines = content[: content.rfind(b"\n") + 1]  # without half a line that is being written
        self._read += len(lines)
        return [from_line(line.decode()) for line in lines.splitlines()]

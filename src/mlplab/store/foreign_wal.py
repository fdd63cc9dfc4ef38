"""A write-ahead log that lies beside a database it does not belong to, because the database was replaced.

SQLite would apply it: the result is a damaged database, or one with rows that were deleted. It knows a log by its name
alone, so we look into both files. https://sqlite.org/fileformat2.html describes them.
"""

import logging
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

log = logging.getLogger(__name__)

_WAL_HEADER, _FRAME_HEADER = 32, 24
_MAGIC = b"SQLite format 3\0"
_CHANGES, _VALID_FOR = slice(24, 28), slice(92, 96)  # a counter of changes, twice in the first page
_LOCKS = (0x40000000, 512)  # first byte and number of the bytes that SQLite locks


def discard_foreign_wal(path: Path) -> None:
    """Remove the log beside ``path`` if it belongs to another database and no process uses the file.

    The caller has the file's lock and no connection to it. Raises OSError, sqlite3.Error.
    """
    wal = Path(f"{path}-wal")
    if not wal.exists() or not wal.stat().st_size:
        return
    with path.open("r+b") as database:  # opened once: closing it anywhere would release the lock
        if _lock(database) and _is_foreign(database, wal):
            log.warning("%s: belongs to the database that lay here before %s was replaced; removed", wal, path.name)
            wal.unlink()
            Path(f"{path}-shm").unlink(missing_ok=True)


def _lock(database: BinaryIO) -> bool:
    """Lock the file against SQLite in every process, until it is closed; return False if one uses it."""
    if sys.platform == "win32":  # which refuses to remove a file that is in use
        return True
    import fcntl

    first, count = _LOCKS
    try:
        fcntl.lockf(database, fcntl.LOCK_EX | fcntl.LOCK_NB, count, first)
    except OSError:
        return False
    return True


def _is_foreign(database: BinaryIO, wal: Path) -> bool:
    """Tell whether the database is sound, but not with this log, or has not the state that the log continues."""
    if not _is_sound(database):
        return False  # a checkpoint was interrupted: the log is what mends it
    return not _continues(wal.read_bytes(), database) or not _is_sound(database, wal)


def _continues(wal: bytes, database: BinaryIO) -> bool:
    """Tell whether the counter of changes in the log's first pages follows that of the database."""
    counts = list(_counts(wal))
    database.seek(0)
    now = int.from_bytes(database.read(100)[_CHANGES])
    # The first transaction counts from the state before the log; a checkpoint may have taken the file further.
    return not counts or counts[0] - 1 <= now <= counts[-1]


def _counts(wal: bytes) -> Iterator[int]:
    """Yield the counter of every version of the first page in the log."""
    salts = wal[16:24]
    size = _FRAME_HEADER + int.from_bytes(wal[8:12])
    for start in range(_WAL_HEADER, len(wal) - size + 1, size):
        header, page = wal[start : start + _FRAME_HEADER], wal[start + _FRAME_HEADER : start + size]
        if header[8:16] != salts:
            return  # left over from before the log was begun again
        is_first_page = header[:4] == b"\0\0\0\1" and page.startswith(_MAGIC)
        if is_first_page and page[_CHANGES] == page[_VALID_FOR]:
            yield int.from_bytes(page[_CHANGES])


def _is_sound(database: BinaryIO, wal: Path | None = None) -> bool:
    """Tell whether a copy of the database, with the log or without one, passes SQLite's own check."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.db"
        database.seek(0)
        with copy.open("wb") as file:
            shutil.copyfileobj(database, file)
        if wal is not None:
            shutil.copyfile(wal, f"{copy}-wal")
        try:
            with closing(sqlite3.connect(copy)) as connection:
                return bool(connection.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",))
        except sqlite3.DatabaseError:
            return False

"""The SQLite file of a store: created whole, closed at the end, and known again after somebody has replaced it."""

import atexit
import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from mlflow import MlflowClient
from sqlalchemy import Connection, Engine, event

from mlplab.signals import Stopped, held
from mlplab.store.foreign_wal import discard_foreign_wal
from mlplab.store.uri import SQLITE

LOCK_SECONDS = 60.0
CHECKPOINT_SECONDS = 1.0  # how long the end of a command waits for other processes that use the file
_COMPANIONS = ("-wal", "-shm", "-journal")  # files that SQLite keeps beside a database
# MLflow has no function that closes its stores. SQLAlchemy tells of every engine in the process, and closes each.
_engines: set[Engine] = set()


@dataclass(frozen=True)
class DatabaseFile:
    """A file by its device and inode: another file of the same name is not the same file."""

    path: Path
    device: int
    inode: int

    @classmethod
    def at(cls, path: Path) -> "DatabaseFile":
        """Return the file that lies there now. Raises OSError."""
        found = path.stat()
        return cls(path, found.st_dev, found.st_ino)

    def is_still_there(self) -> bool:
        """Tell whether the path still names this file; what is written into a removed file is lost."""
        try:
            return DatabaseFile.at(self.path) == self
        except OSError:
            return False


def file_lock(path: Path) -> FileLock:
    """Return the lock for whoever creates, replaces or mends the database at ``path``."""
    return FileLock(f"{path}.lock", timeout=LOCK_SECONDS)


def prepare_file(path: Path) -> None:
    """Create the database with MLflow's tables if there is none; otherwise see :func:`tidy_file`.

    It is created by one process at a time, completely or not at all.

    Raises:
        OSError, sqlite3.Error: the file cannot be read or written, or is no database.
        MlflowException, SQLAlchemyError: MLflow cannot create its tables.
    """
    tidy_file(path)
    if not path.exists():
        with file_lock(path):
            if not path.exists():
                _remove(_with_companions(path))  # they belong to a file that was removed
                with held():
                    _create(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA schema_version")  # fails at once if it is no database


def tidy_file(path: Path) -> None:
    """Remove what killed processes, and people who replaced the file, left beside it; create nothing.

    From now on MLflow's connections are closed when this process ends: see :func:`close_databases`.

    Raises OSError, sqlite3.Error.
    """
    _close_at_exit()
    left = [*_with_companions(_unfinished(path)), Path(f"{path}-wal")]
    if any(one.exists() for one in left) and os.access(path.parent, os.W_OK):
        with file_lock(path):
            _remove(_with_companions(_unfinished(path)))
            if os.access(path, os.W_OK) and not _is_open(path):
                discard_foreign_wal(path)


def close_databases() -> None:
    """Close MLflow's connections to SQLite files, and move what was written into the files themselves.

    When the last process closes a file, no ``-wal`` and no ``-shm`` is left: the file can then be copied, moved or
    removed alone. A file that cannot be closed so stays as after a crash: SQLite mends it when it is opened.
    """
    with held():
        for engine in list(_engines):  # another thread may add one
            _close(engine)


def _close(engine: Engine) -> None:
    engine.dispose()
    _engines.discard(engine)
    with suppress(sqlite3.Error), closing(_connect_existing(_file_of(engine))) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _close_at_exit() -> None:
    if not event.contains(Engine, "engine_connect", _note):
        event.listen(Engine, "engine_connect", _note)
        atexit.register(_close_at_last)


def _note(connection: Connection) -> None:
    engine = connection.engine
    if engine.dialect.name == "sqlite" and engine.url.database not in (None, "", ":memory:"):
        _engines.add(engine)


def _close_at_last() -> None:
    with suppress(Stopped):  # a signal that arrives now finds a process that ends anyway
        close_databases()


def _file_of(engine: Engine) -> Path:
    return Path(engine.url.database or "").absolute()


def _connect_existing(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=CHECKPOINT_SECONDS)


def _is_open(path: Path) -> bool:
    return path.absolute() in map(_file_of, list(_engines))


def _unfinished(path: Path) -> Path:
    return path.with_name(f"{path.name}.unfinished")


def _create(path: Path) -> None:
    # MLflow creates its tables in a hundred steps; a process killed in between would leave a broken file.
    unfinished = _unfinished(path)
    MlflowClient(f"{SQLITE}{unfinished}").search_experiments(max_results=1)
    for engine in [one for one in list(_engines) if _file_of(one) == unfinished]:
        _close(engine)
    with closing(sqlite3.connect(unfinished)) as connection:
        # Write-ahead logging, a setting that the file keeps: readers never wait, small writes take half the time.
        connection.execute("PRAGMA journal_mode=WAL")
    unfinished.replace(path)


def _with_companions(path: Path) -> list[Path]:
    return [path, *(Path(f"{path}{ending}") for ending in _COMPANIONS)]


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)

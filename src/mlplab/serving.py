"""Which port serves MLflow's page of a store: noted beside its file by who serves it, for as long as it lives.

A variable of the environment would reach only the commands of one terminal; the file reaches all, and a lock that its
writer holds tells a living server from one that was killed.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

USUAL_PORT = 5000  # of `mlflow ui`; macOS has a service of its own there


def free_port() -> int:
    """Return the usual port if it is free, otherwise any that is."""
    for port in (USUAL_PORT, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise OSError("no port is free")


@contextmanager
def noted_port(database: Path, port: int) -> Iterator[bool]:
    """Note, while the block runs, that the page of this store is served there; False if another serves it already."""
    note = _note(database)
    try:
        with _lock(database, patience=1.0):
            note.write_text(str(port), encoding="utf-8")
            try:
                yield True
            finally:
                note.unlink(missing_ok=True)
    except Timeout:
        yield False


def served_port(database: Path) -> int | None:
    """Return the port at which the page of this store is served; None if nobody serves it."""
    try:
        port = int(_note(database).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none, or it is being written
        return None
    try:
        with _lock(database, patience=0):
            return None  # who wrote it was killed
    except Timeout:
        return port


def _note(database: Path) -> Path:
    return database.with_name(f"{database.name}.ui")


def _lock(database: Path, patience: float) -> FileLock:
    return FileLock(f"{_note(database)}.lock", timeout=patience)

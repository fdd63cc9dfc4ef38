"""The store of a project that was moved or copied: MLflow records the places of artifacts as absolute paths.

At the first command after a move they are rewritten, so that models load, and a copy never writes into its original.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote, urlparse
from urllib.request import url2pathname

from mlplab.schema import COMMAND_TAG, FOLDER_TAG, MANIFEST
from mlplab.store.sqlite_file import file_lock

# The columns of MLflow's tables that hold a place of artifacts, as a path or a file URI.
PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def artifact_folder(database: Path, experiment: str) -> Path:
    """Return where the artifacts of an experiment lie: in ``mlruns`` beside the database."""
    return _mlruns(database.absolute().parent) / quote(experiment, safe="")


def mend_locations(path: Path) -> None:
    """Rewrite the places below ``mlruns`` of the folder where the database lay before it was moved or copied.

    A folder is such a former one if experiments of the database lie in its ``mlruns``, and the database is no longer
    there, or has a copy there. Artifacts that were left behind stay where they are. Nothing else is changed: a place
    of artifacts that somebody chose is theirs.

    Raises OSError, sqlite3.Error.
    """
    path = path.absolute()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if not list(_former_roots(connection, path)) or not os.access(path, os.W_OK):
            return
        with file_lock(path):
            connection.execute("BEGIN IMMEDIATE")
            for root in list(_former_roots(connection, path)):
                _mend_manifests(connection, root, path.parent)
                _mend_places(connection, root, path.parent)
                _mend_folders(connection, root, path.parent)
            connection.execute("COMMIT")


def _former_roots(connection: sqlite3.Connection, path: Path) -> Iterator[Path]:
    if "experiments" not in _tables(connection):
        return  # MLflow has not created its tables yet
    here, rows = path.parent, connection.execute("SELECT artifact_location FROM experiments").fetchall()
    places = {_as_path(location) for (location,) in rows}
    for mlruns in sorted({place.parent for place in places if place is not None}):
        root = mlruns.parent
        if mlruns.name == _mlruns(here).name and root != here and not _is_same(root, here):
            was_moved, was_copied = not mlruns.exists(), (root / path.name).exists()
            if was_moved or was_copied:
                yield root


def _mend_places(connection: sqlite3.Connection, root: Path, here: Path) -> None:
    tables = _tables(connection)  # older versions of MLflow have fewer
    for table, column in [place for place in PLACES if place[0] in tables]:
        for key, text in connection.execute(f"SELECT rowid, {column} FROM {table}").fetchall():
            place = _as_path(text)
            if place is None or not place.is_relative_to(_mlruns(root)):
                continue
            moved = here / place.relative_to(root)
            # What was left behind can still be read there; what is written from now on belongs here.
            if table == "experiments" or moved.exists() or not place.exists():
                new = moved.as_uri() if text.startswith("file:") else str(moved)
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (new, key))


def _mend_folders(connection: sqlite3.Connection, root: Path, here: Path) -> None:
    """Rewrite the output folders: there a resumed run looks for its checkpoint."""
    tags = connection.execute("SELECT rowid, value FROM tags WHERE key = ?", (FOLDER_TAG,)).fetchall()
    for key, value in tags:
        if Path(value).is_relative_to(root):
            new = str(here / Path(value).relative_to(root))
            connection.execute("UPDATE tags SET value = ? WHERE rowid = ?", (new, key))


def _mend_manifests(connection: sqlite3.Connection, root: Path, here: Path) -> None:
    """Rewrite the folder of every sweep in its manifest. A manifest that cannot be read is left as it is."""
    query = "SELECT artifact_uri FROM runs JOIN tags USING (run_uuid) WHERE key = ?"
    for (text,) in connection.execute(query, (COMMAND_TAG,)).fetchall():
        place = _as_path(text)
        if place is None or not place.is_relative_to(_mlruns(root)):
            continue
        file = here / place.relative_to(root) / MANIFEST
        with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            document = json.loads(file.read_text(encoding="utf-8"))
            folder = Path(document["folder"])
            if folder.is_relative_to(root):
                document["folder"] = str(here / folder.relative_to(root))
                written = file.with_name(f".{file.name}")
                written.write_text(json.dumps(document, indent=1), encoding="utf-8")
                written.replace(file)


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _mlruns(root: Path) -> Path:
    return root / "mlruns"


def _is_same(root: Path, here: Path) -> bool:
    """Tell whether it is one folder under two names, or two folders that share their artifacts on purpose."""
    pairs = ((root, here), (_mlruns(root), _mlruns(here)))
    return any(one.exists() and other.exists() and one.samefile(other) for one, other in pairs)


def _as_path(text: str | None) -> Path | None:
    """Return a local place as an absolute path; None for any other place."""
    parts = urlparse(text or "")
    path = Path(url2pathname(parts.path)) if parts.scheme == "file" else Path(text or "")
    return path if path.is_absolute() else None

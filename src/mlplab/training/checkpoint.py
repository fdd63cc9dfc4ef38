"""The complete state of a run in one file, from which it continues exactly; a partial file never appears.

The checkpoint before it is kept beside it, for the case that the disk damages the last one.
"""

import json
import logging
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from mlplab.errors import CheckpointError
from mlplab.files import open_regular
from mlplab.paths import portable

log = logging.getLogger(__name__)

NAME = "checkpoint.npz"
_FACTS = "facts"

# What NumPy and zipfile raise for damage: RuntimeError for an encrypted file or an unknown compression, MemoryError
# for a shape that is no longer the array's.
_DAMAGE = (ValueError, KeyError, EOFError, OSError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run.

    Attributes:
        arrays: parameters and optimizer state, by name.
        facts: everything else, as JSON values; floats and integers are restored exactly.
    """

    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any]


def checkpoint_folder(shared: str | None, output_folder: Path) -> Path:
    """Return where the checkpoint of a run lies: in the ``shared`` folder, if there is one, as in the project."""
    return output_folder if shared is None else Path(shared).expanduser() / portable(output_folder).lstrip("/")


def former(path: Path) -> Path:
    """Return where the checkpoint before the one at ``path`` is kept."""
    return path.with_name(f"{path.stem}.former{path.suffix}")


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write the file, and keep the one before it. Even if the machine stops, one of them is there and complete.

    Raises:
        OSError: the disk is full, or the folder does not exist; nothing has changed.
    """
    unfinished = _unfinished(path)
    facts = np.frombuffer(json.dumps(checkpoint.facts).encode(), dtype=np.uint8)
    try:
        with unfinished.open("wb") as file:
            np.savez(file, allow_pickle=False, **{_FACTS: facts}, **checkpoint.arrays)
            file.flush()
            os.fsync(file.fileno())
        if path.is_file():
            path.replace(former(path))
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)  # on a full disk it takes the room
        raise
    _sync_folder(path.parent)


def load_checkpoint(path: Path) -> Checkpoint | None:
    """Return the checkpoint; None if the file does not exist.

    Raises:
        CheckpointError: the file is damaged.
    """
    try:
        with open_regular(path) as file:
            arrays = _read_arrays(file)
        facts = json.loads(arrays.pop(_FACTS).tobytes())
    except FileNotFoundError:
        return None
    except _DAMAGE as error:
        raise CheckpointError(f"{path}: is damaged ({error})") from error
    if not isinstance(facts, dict):
        raise CheckpointError(f"{path}: is damaged (its facts are no object)")
    return Checkpoint(arrays, facts)


def latest_first(paths: Sequence[Path]) -> list[Path]:
    """Return the checkpoints of one training, that which has trained longest first; damaged ones are left out."""
    found: list[tuple[float, Path]] = []
    for path in paths:
        with suppress(CheckpointError):
            saved = load_checkpoint(path)
            if saved is not None:
                found.append((float(saved.facts.get("total_seconds", 0.0)), path))
    return [path for _, path in sorted(found, reverse=True)]


def _read_arrays(file: BinaryIO) -> dict[str, NDArray[Any]]:
    stored = np.load(file, allow_pickle=False)
    if not isinstance(stored, NpzFile):
        raise ValueError("it holds one array instead of several")  # noqa: TRY004 - of the content, not of a caller
    return {name: stored[name] for name in stored.files}


def require_arrays_like(path: Path, checkpoint: Checkpoint, expected: Mapping[str, NDArray[Any]]) -> None:
    """Raise CheckpointError if the checkpoint at ``path`` lacks one of these arrays, or has another shape or dtype.

    Restoring would not notice: an array of one number fills one of any shape.
    """
    for name, array in expected.items():
        stored = checkpoint.arrays.get(name)
        if stored is None:
            raise CheckpointError(f"{path}: is damaged (it lacks the array {name})")
        if (stored.shape, stored.dtype) != (array.shape, array.dtype):
            kinds = f"{stored.dtype}{stored.shape} instead of {array.dtype}{array.shape}"
            raise CheckpointError(f"{path}: is damaged (its array {name} is {kinds})")


def remove_checkpoint(path: Path) -> None:
    """Remove the file, the one before it, and an unfinished one that a crash left; each if it exists.

    What cannot be removed, such as a folder in its place, is named in a warning.
    """
    for file in (_unfinished(path), former(path), path):
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s: cannot be removed (%s); remove it by hand", file, error.strerror)


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}.unfinished")


def _sync_folder(folder: Path) -> None:
    """Make the new names survive a power cut. Windows cannot open a folder, and needs no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems refuse
            os.fsync(descriptor)
    finally:
        os.close(descriptor)

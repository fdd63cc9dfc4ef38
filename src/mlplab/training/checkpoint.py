"""The complete state of a run in one file, from which it continues exactly; a partial file never appears."""

import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlplab.errors import CheckpointError

NAME = "checkpoint.npz"
_FACTS = "facts"


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run.

    Attributes:
        arrays: parameters and optimizer state, by name.
        facts: everything else, as JSON values; floats and integers are restored exactly.
    """

    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any]


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write the file. Even if the process is killed, ``path`` holds the former checkpoint or this one, complete.

    Raises:
        OSError: the disk is full, or the folder does not exist.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    facts = np.frombuffer(json.dumps(checkpoint.facts).encode(), dtype=np.uint8)
    with unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, **{_FACTS: facts}, **checkpoint.arrays)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def load_checkpoint(path: Path) -> Checkpoint | None:
    """Return the checkpoint; None if the file does not exist.

    Raises:
        CheckpointError: the file is damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return Checkpoint(arrays, json.loads(arrays.pop(_FACTS).tobytes()))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f"{path}: is damaged ({error}). Remove it; with resume=true the run then starts from the beginning"
        ) from error


def remove_checkpoint(path: Path) -> None:
    """Remove the file, if it exists, and an unfinished one that a crash left."""
    path.unlink(missing_ok=True)
    path.with_name(f".{path.name}.unfinished").unlink(missing_ok=True)

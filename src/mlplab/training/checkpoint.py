"""All that a run needs to go on exactly where it stood, in one file that is whole or not there."""

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
    """A state, by name.

    Attributes:
        arrays: parameters, optimizer state.
        facts: everything else, as JSON knows it; its floats and integers come back exactly.
    """

    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any]


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write the file: whatever happens meanwhile, ``path`` holds the former checkpoint or this one, whole.

    Raises:
        OSError: the disk is full, or the folder is not there.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    facts = np.frombuffer(json.dumps(checkpoint.facts).encode(), dtype=np.uint8)
    with unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, **{_FACTS: facts}, **checkpoint.arrays)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def load_checkpoint(path: Path) -> Checkpoint | None:
    """Return the checkpoint; None where there is no such file.

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
            f"{path}: is damaged ({error}). Remove it, and the run begins anew with resume=true"
        ) from error


def remove_checkpoint(path: Path) -> None:
    """Remove the file, if it is there, and what a crash left of one that was being written."""
    path.unlink(missing_ok=True)
    path.with_name(f".{path.name}.unfinished").unlink(missing_ok=True)

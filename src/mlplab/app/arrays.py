"""Arrays at hand as a data set: a file of the project's folder, named by what is in it."""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlplab.errors import ConfigError
from mlplab.paths import PROJECT_ROOT

Arrays = tuple[ArrayLike, ArrayLike] | tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]
_NAMES = ("x_train", "y_train", "x_test", "y_test")
_FOLDER = PROJECT_ROOT / "data" / "arrays"


def saved_arrays(arrays: Arrays) -> Path:
    """Return the .npz file with these arrays, ``(x, y)`` or ``(x_train, y_train, x_test, y_test)``; write it once.

    Raises:
        ConfigError: it is another number of arrays, or one has neither numbers nor text.
        OSError: the folder cannot be written.
    """
    if len(arrays) not in (2, 4):
        raise ConfigError(f"data: takes (x, y) or (x_train, y_train, x_test, y_test), and {len(arrays)} were given")
    named = {name: _plain(name, array) for name, array in zip(_NAMES, arrays, strict=False)}
    path = _FOLDER / f"{_digest(named)}.npz"
    if not path.exists():
        _FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
            unfinished = Path(folder) / path.name
            np.savez(unfinished, **named)  # type: ignore[arg-type]  # a name might be one of its flags
            os.replace(unfinished, path)
    return path


def _plain(name: str, given: ArrayLike) -> NDArray[Any]:
    """Return an array that a file can hold without pickling: a column of a table has its texts as objects."""
    array = np.asarray(given)
    if array.dtype.kind != "O":
        return array
    if not all(isinstance(one, str) for one in array.flat):
        raise ConfigError(f"data: {name} has dtype object: takes numbers, or of labels text")
    return array.astype(str)


def _digest(named: Mapping[str, NDArray[Any]]) -> str:
    hasher = hashlib.sha256()
    for name, array in named.items():
        hasher.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        hasher.update(np.ascontiguousarray(array).tobytes())
    return hasher.hexdigest()[:32]

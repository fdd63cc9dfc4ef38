"""Rows that people want predicted, out of a file or a folder, some at a time: as ``data`` reads what is trained on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from mlplab.data.labels import table_row
from mlplab.data.npz import ArrayHeader, array_headers, stream_array
from mlplab.data.table import table_faults
from mlplab.errors import ConfigError, DataError
from mlplab.models.pictures_taken import ENDINGS, pixels_of
from mlplab.models.row_forms import ArrayForm, Form, TableForm

BATCH = 1_000  # rows
_BATCH_BYTES = 2**26
ROW, FILE = "row", "file"

Batch = tuple[Sequence[int | str], Any]  # what names each row, and the rows as the model takes them


@dataclass(frozen=True)
class Incoming:
    """Rows in batches.

    Attributes:
        label: what names a row: its number, from 0, or its file.
        total: how many; None where only reading tells.
        left_out: files of a folder that are no pictures by their ending.
        batches: of them; reading one raises DataError for a row that is not what the model takes.
    """

    label: str
    total: int | None
    left_out: int
    batches: Iterator[Batch]


def open_incoming(path: Path, form: Form, array: str | None, centred: bool, model: str) -> Incoming:
    """Return what lies at a path.

    Args:
        path: of a .npz, a .csv, a picture, or a folder of pictures, however deep.
        form: of the rows that the model takes.
        array: of a .npz; None where it has one alone.
        centred: pictures are prepared as MNIST's digits are.
        model: names it in a message.

    Raises:
        DataError: there is nothing, or something that the model does not take.
        ConfigError: a key does not fit what lies there.
    """
    kind = "folder" if path.is_dir() else path.suffix.lower()
    if kind != "folder" and not path.is_file():
        raise DataError(f"in={path}: there is no such file or folder")
    if array is not None and kind != ".npz":
        raise ConfigError(f"array={array}: is of a .npz, and in={path} is none; leave it out")
    if centred and kind not in ("folder", *ENDINGS):
        raise ConfigError(f"centred=true: is of pictures, and in={path} is none; leave it out")
    match kind, form:
        case ".csv", TableForm():
            return Incoming(ROW, None, 0, _table(path, form))
        case ".npz", ArrayForm():
            name, header = _array_of(path, array)
            return Incoming(ROW, header.shape[0] if header.shape else 1, 0, _array(path, name, header, form))
        case "folder", ArrayForm(are_pixels=True):
            files, left_out = _pictures_below(path)
            return Incoming(FILE, len(files), left_out, _pictures(path, files, form, centred))
        case _, ArrayForm(are_pixels=True) if kind in ENDINGS:
            return Incoming(FILE, 1, 0, _pictures(path, [path], form, centred))
        case _:
            raise DataError(
                f"in={path}: {model}, takes {_files_for(form)}, of {form.takes.removeprefix('rows with ')}; "
                "model= takes another"
            )


def _files_for(form: Form) -> str:
    if isinstance(form, TableForm):
        return "a table (.csv)"
    return "arrays (.npz)" + (", a picture or a folder of pictures" if form.are_pixels else "")


def _table(path: Path, form: TableForm) -> Iterator[Batch]:
    import pandas as pd

    where = _where(path)
    with table_faults(where):
        chunks = pd.read_csv(path, chunksize=BATCH, low_memory=False, index_col=False, dtype=form.csv_dtypes)
    with chunks:
        while True:
            with table_faults(where):
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk.index.tolist(), form.check(chunk, where, table_row)


def _where(path: Path) -> str:
    return f"in={path}"


def _array_of(path: Path, array: str | None) -> tuple[str, ArrayHeader]:
    headers = array_headers(path, _where(path))
    names = [name for name in headers if not name.startswith("y_")]
    if array is not None and array not in headers:
        raise ConfigError(f"array={array}: {path} has {', '.join(headers) or 'none'}")
    if array is None and len(names) != 1:
        raise ConfigError(f"array=: which one of {path}? It has {', '.join(headers) or 'none'}; add array=NAME")
    name = array or names[0]
    return name, headers[name]


def _array(path: Path, name: str, header: ArrayHeader, form: ArrayForm) -> Iterator[Batch]:
    row_bytes = max(1, prod(header.shape[1:]) * header.dtype.itemsize)
    first = 0
    for rows in stream_array(path, _where(path), name, max(1, min(BATCH, _BATCH_BYTES // row_bytes))):
        yield range(first, first + len(rows)), form.check(rows, f"{_where(path)}: {name}")
        first += len(rows)


def _pictures_below(folder: Path) -> tuple[list[Path], int]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    pictures = [path for path in files if path.suffix.lower() in ENDINGS]
    if not pictures:
        raise DataError(f"in={folder}: has no picture ({', '.join(ENDINGS)})")
    return pictures, len(files) - len(pictures)


def _pictures(given: Path, files: Sequence[Path], form: ArrayForm, centred: bool) -> Iterator[Batch]:
    folder = given if given.is_dir() else given.parent

    def named(file: Path) -> str:
        return _where(given) if file == given else f"{_where(given)}: {file.relative_to(folder)}"

    for start in range(0, len(files), BATCH):
        some = files[start : start + BATCH]
        pixels = np.stack([pixels_of(file, named(file), form, centred) for file in some])
        yield [file.relative_to(folder).as_posix() for file in some], form.check(pixels, _where(given))

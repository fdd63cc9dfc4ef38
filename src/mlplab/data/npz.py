"""A file of NumPy arrays: x_train and y_train, and perhaps x_test, y_test, x_val, y_val."""

import logging
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mlplab.data.assembly import Part, assemble, existing, where_is
from mlplab.data.encoding import ArrayRows
from mlplab.data.labels import RowName, array_row, listed_some, read_labels
from mlplab.data.room import INPUT_BYTES, require_room
from mlplab.data.source import Loaded
from mlplab.data_config import DataConfig
from mlplab.errors import DataError

log = logging.getLogger(__name__)

SPLITS = ("train", "test", "val")
_CHANNELS = (1, 3, 4)
_SAVE = "write it with numpy.savez(FILE, x_train=..., y_train=...)"
_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError)


@dataclass(frozen=True)
class ArrayHeader:
    """What an array in the file says of itself."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_by_columns: bool


def read_npz(config: DataConfig, root: Path) -> Loaded:  # noqa: ARG001
    """Return the data set in the file at ``data.path``.

    Raises:
        DataError: the file, an array, or a number in it is not what it must be; the message says where.
    """
    path = existing(config, "file")
    where = where_is(path)
    headers = array_headers(path, where)
    names = _names(where, headers)
    for name in names:
        check_array_header(f"{where}: {name}", name, headers[name])
    _check_alike(where, headers, names)
    _warn_of_channels_first(where, headers["x_train"].shape[1:])
    needed = sum(prod(headers[name].shape) * (headers[name].dtype.itemsize + INPUT_BYTES) for name in names)
    require_room(needed, where, "save fewer rows or a smaller dtype, such as uint8 or float32")
    arrays = _load(path, where, names)
    parts = {}
    for split in SPLITS:
        if f"x_{split}" in arrays:
            x, of_labels = arrays[f"x_{split}"], f"{where}: y_{split}"
            _check_finite(f"{where}: x_{split}", x)
            parts[split] = Part(x, read_labels(arrays[f"y_{split}"], of_labels), of_labels, _called_in(split))

    def encode(train: NDArray[Any]) -> ArrayRows:
        return ArrayRows(str(train.dtype), list(train.shape[1:]))

    return assemble(path.name, ("local", {"uri": str(path)}), parts, config, encode)


def _called_in(split: str) -> RowName:
    return lambda place: f"{array_row(place)} of x_{split}"


def array_headers(path: Path, where: str) -> dict[str, ArrayHeader]:
    """Return shape and dtype of every array, without reading it; ``where`` names the file in a message.

    Raises DataError for what is no npz file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            headers = {}
            for member in archive.namelist():
                if member.endswith(".npy"):
                    with archive.open(member) as file:
                        headers[member.removesuffix(".npy")] = _header(file)
            return headers
    except _FAULTS as error:
        raise DataError(f"{where}: is no npz file, or is damaged ({error}); {_SAVE}") from error


def _header(file: IO[bytes]) -> ArrayHeader:
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, is_by_columns, dtype = read(file)
    return ArrayHeader(shape, dtype, is_by_columns)


def stream_array(path: Path, where: str, name: str, rows: int) -> Iterator[NDArray[Any]]:
    """Yield an array of a file, so many rows at a time, with no more of it in memory; ``where`` names the file.

    Raises:
        DataError: it is pickled, lies in the file column by column, or is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
            header = _header(file)
            check_array_header(f"{where}: {name}", name, header)
            if header.is_by_columns and len(header.shape) > 1:
                raise DataError(f"{where}: {name} lies column by column; save numpy.ascontiguousarray({name})")
            count, *row_shape = header.shape
            size = prod(row_shape) * header.dtype.itemsize
            for start in range(0, count, rows):
                length = min(rows, count - start)
                read = file.read(length * size)
                yield np.frombuffer(read, header.dtype, length * prod(row_shape)).reshape(length, *row_shape)
    except _FAULTS as error:
        raise DataError(f"{where}: is damaged ({error}); {_SAVE}") from error


def _warn_of_channels_first(where: str, row_shape: tuple[int, ...]) -> None:
    """Warn of rows that look like PyTorch's images: a network would see three rows of pixels."""
    if len(row_shape) == 3 and row_shape[0] in _CHANNELS and row_shape[-1] not in _CHANNELS:
        log.warning(
            "%s: rows of shape %s are read as (height, width, channels); if they are (channels, height, width), save "
            "numpy.moveaxis(x, 1, -1)",
            where,
            row_shape,
        )


def _names(where: str, headers: Mapping[str, ArrayHeader]) -> list[str]:
    """Return the arrays to read: both of the training set, and both or none of each other split."""
    has = f"it has {listed_some(sorted(headers))}" if headers else "it is empty"
    wanted = []
    for split in SPLITS:
        pair = [f"x_{split}", f"y_{split}"]
        missing = [name for name in pair if name not in headers]
        if missing and (split == "train" or len(missing) == 1):
            raise DataError(f"{where}: lacks {' and '.join(missing)}; {has}; {_SAVE}")
        wanted += [] if missing else pair
    return wanted


def check_array_header(where: str, name: str, header: ArrayHeader) -> None:
    """Raise DataError for an array that is pickled, or of rows that are no numbers."""
    shape, dtype = header.shape, header.dtype
    if dtype.hasobject:
        raise DataError(
            f"{where} has dtype object, which is pickled, and a pickle may run anything: it is not read. Save plain "
            "numbers or text: rows of one length, and labels as numpy.array(labels, dtype=str)"
        )
    if name.startswith("y_"):
        return
    if dtype.kind not in "biuf":
        raise DataError(f"{where} has dtype {dtype}: takes numbers; code text as numbers, or use data=csv")
    if len(shape) < 2 or 0 in shape:
        raise DataError(f"{where} has shape {shape}: takes one row or more, (rows, numbers) or (rows, height, width)")


def _check_alike(where: str, headers: Mapping[str, ArrayHeader], names: list[str]) -> None:
    """Refuse splits that do not fit each other, and rows that do not fit their labels."""
    train = headers["x_train"]
    for split in [name.removeprefix("x_") for name in names if name.startswith("x_")]:
        x, y = headers[f"x_{split}"], headers[f"y_{split}"]
        if x.shape[0] != (y.shape or (0,))[0]:
            raise DataError(
                f"{where}: x_{split} has {x.shape[0]:,} rows and y_{split} has shape {y.shape}: takes a label per row"
            )
        if (x.shape[1:], x.dtype) != (train.shape[1:], train.dtype):
            raise DataError(
                f"{where}: x_{split} has rows of shape {x.shape[1:]} in {x.dtype}, and x_train has {train.shape[1:]} "
                f"in {train.dtype}: save both alike"
            )


def _load(path: Path, where: str, names: list[str]) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in names}
    except _FAULTS as error:
        raise DataError(f"{where}: is damaged ({error}); {_SAVE}") from error


def _check_finite(where: str, x: NDArray[Any]) -> None:
    if x.dtype.kind != "f" or np.isfinite(x).all():
        return
    rows = x.reshape(len(x), -1)
    broken = np.argwhere(~np.isfinite(rows))
    row, column = broken[0]
    raise DataError(
        f"{where}, row {row}, column {column} (both from 0) is {rows[row, column]}; {len(broken):,} such "
        f"value{'s' * (len(broken) > 1)} in all: replace them by numbers, or remove these rows"
    )

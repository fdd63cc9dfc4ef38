"""IDX files, the format of MNIST and its relatives: verified, then read.

A file is a magic number, the sizes of its axes (all big-endian 32-bit integers), and bytes.
See "THE IDX FILE FORMAT", Y. LeCun, C. Cortes, C. Burges, the MNIST database.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlplab.errors import DataError
from mlplab.files import open_regular

log = logging.getLogger(__name__)

CHECKSUMS_FILE = "MD5SUMS"


@dataclass(frozen=True)
class IdxFile:
    """The expected form of a file of unsigned bytes: its name, the sizes of its axes, and its MD5 if published."""

    name: str
    shape: tuple[int, ...]
    md5: str | None = None

    @property
    def magic(self) -> int:
        """2049 for one axis (labels), 2051 for three (images)."""
        return 0x0800 + len(self.shape)

    @property
    def header(self) -> bytes:
        """The bytes that it must begin with."""
        return np.array([self.magic, *self.shape], dtype=">u4").tobytes()

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return len(self.header) + prod(self.shape)


def read(
    name: str, folder: Path, files: Sequence[IdxFile], owner_of_checksum: Callable[[str], str | None]
) -> list[NDArray[np.uint8]]:
    """Return the arrays of these files, each verified first.

    Args:
        name: of the data set.
        folder: holds the files.
        files: their expected form.
        owner_of_checksum: returns the name of the data set that has a file with this MD5; None if none has.

    Raises:
        DataError: a file cannot be read, or is truncated, swapped or changed; the message names it.
    """
    noted = _noted_checksums(folder)
    if any(file.md5 is None and file.name not in noted for file in files):
        log.warning("data=%s: no checksums are published for these files: only sizes and headers are verified", name)
    arrays = []
    for file in files:
        content = _content(folder / file.name)
        if fault := _fault(content, file, file.md5 or noted.get(file.name), name, owner_of_checksum):
            raise DataError(
                f"{folder / file.name}: {fault}. Replace it with the original, or delete it to download it again"
            )
        arrays.append(np.frombuffer(content, dtype=np.uint8, offset=len(file.header)).reshape(file.shape))
    return arrays


def _content(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). Replace it with the original") from error


def note_checksums(folder: Path) -> bool:
    """Write the MD5 of every IDX file in ``folder`` into MD5SUMS, as ``md5sum`` does; tell whether there is any."""
    lines = [f"{md5_of(path.read_bytes())}  {path.name}\n" for path in sorted(folder.glob("*-ubyte"))]
    if lines:
        (folder / CHECKSUMS_FILE).write_text("".join(lines), encoding="utf-8")
    return bool(lines)


def _noted_checksums(folder: Path) -> Mapping[str, str]:
    path = folder / CHECKSUMS_FILE
    if not path.exists():
        return {}
    rows = (line.split() for line in _content(path).decode(errors="replace").splitlines())
    return {row[1]: row[0] for row in rows if len(row) == 2}


def _fault(
    content: bytes, file: IdxFile, md5: str | None, name: str, owner_of_checksum: Callable[[str], str | None]
) -> str | None:
    if len(content) != file.size:
        return f"{len(content):,} bytes long instead of {file.size:,}: truncated, or another file"
    if not content.startswith(file.header):
        magic = int.from_bytes(content[:4], "big")
        return f"header of another file: magic number {magic}, expected {file.magic} and the sizes {file.shape}"
    actual = md5_of(content)
    owner = owner_of_checksum(actual)
    if actual == md5 or (md5 is None and owner in (None, name)):
        return None
    expected = f" instead of {md5}" if md5 else ""
    return f"MD5 {actual}{expected}: " + (f"it belongs to {owner}" if owner else "its content was changed")


def md5_of(content: bytes) -> str:
    """Return the MD5 as 32 hexadecimal digits."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()

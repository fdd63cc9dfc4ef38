"""IDX files, the format of MNIST and its relatives: verified, then read.

A file is a magic number, the sizes of its axes (all big-endian 32-bit integers), and bytes.
See "THE IDX FILE FORMAT", Y. LeCun, C. Cortes, C. Burges, the MNIST database.
"""

import hashlib
import logging
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlplab.errors import DataError

log = logging.getLogger(__name__)

CHECKSUMS_FILE = "MD5SUMS"


@dataclass(frozen=True)
class IdxFile:
    """What a file must be: its name, magic number (2049: labels, 2051: images) and the sizes of its axes."""

    name: str
    magic: int
    shape: tuple[int, ...]

    @property
    def header(self) -> bytes:
        """The bytes it must begin with."""
        return np.array([self.magic, *self.shape], dtype=">u4").tobytes()

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return len(self.header) + prod(self.shape)


FILES = (
    IdxFile("train-images-idx3-ubyte", 2051, (60_000, 28, 28)),
    IdxFile("train-labels-idx1-ubyte", 2049, (60_000,)),
    IdxFile("t10k-images-idx3-ubyte", 2051, (10_000, 28, 28)),
    IdxFile("t10k-labels-idx1-ubyte", 2049, (10_000,)),
)

# MD5 of the unpacked files, in the order of FILES. Nobody publishes those of KMNIST: where torchvision has downloaded
# and checked the archives for us they are noted in CHECKSUMS_FILE, beside the files.
PUBLISHED_MD5 = {
    "mnist": (
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
    "fashion_mnist": (
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
}


def read(name: str, folder: Path) -> list[NDArray[np.uint8]]:
    """Return the arrays of the four FILES of data set ``name``, each verified first.

    Raises:
        DataError: a file is truncated, swapped or changed; the message names it.
    """
    expected = _checksums(name, folder)
    return [_read_verified(folder / file.name, file, expected.get(file.name)) for file in FILES]


def write_checksums(folder: Path) -> None:
    """Note the MD5 of the four FILES in ``folder``, in the format of the command ``md5sum``."""
    lines = [f"{_md5((folder / file.name).read_bytes())}  {file.name}\n" for file in FILES]
    (folder / CHECKSUMS_FILE).write_text("".join(lines), encoding="utf-8")


def _checksums(name: str, folder: Path) -> dict[str, str]:
    if name in PUBLISHED_MD5:
        return {file.name: md5 for file, md5 in zip(FILES, PUBLISHED_MD5[name], strict=True)}
    if not (folder / CHECKSUMS_FILE).exists():
        log.warning("data=%s: nobody publishes checksums of these files: only sizes and headers are verified", name)
        return {}
    rows = (line.split() for line in (folder / CHECKSUMS_FILE).read_text(encoding="utf-8").splitlines())
    return {row[1]: row[0] for row in rows if len(row) == 2}


def _read_verified(path: Path, file: IdxFile, md5: str | None) -> NDArray[np.uint8]:
    content = path.read_bytes()
    if fault := _fault(content, file, md5):
        raise DataError(f"{path}: {fault}. Put the original in its place, or remove it to have it downloaded")
    return np.frombuffer(content, dtype=np.uint8, offset=len(file.header)).reshape(file.shape)


def _fault(content: bytes, file: IdxFile, md5: str | None) -> str | None:
    if len(content) != file.size:
        return f"{len(content):,} bytes long instead of {file.size:,}: truncated, or another file"
    if not content.startswith(file.header):
        magic = int.from_bytes(content[:4], "big")
        return f"begins with magic number {magic} and other sizes than {file.magic} and {file.shape}: another file"
    actual = _md5(content)
    swapped = next((name for name, published in PUBLISHED_MD5.items() if actual in published), None)
    if actual == md5 or (md5 is None and swapped is None):
        return None
    return f"MD5 {actual} instead of {md5}: " + (f"it belongs to {swapped}" if swapped else "its content was changed")


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()

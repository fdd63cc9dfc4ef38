"""MNIST, Fashion-MNIST and KMNIST files: found where they are, or downloaded by torchvision, whole or not at all."""

import http.client
import logging
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from filelock import FileLock

from mlplab.data import idx
from mlplab.errors import DataError

log = logging.getLogger(__name__)

TORCHVISION_CLASSES = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST", "kmnist": "KMNIST"}
NETWORK_TIMEOUT_SECONDS = 20


class DataUnavailableError(DataError):
    """The files are not there and cannot be downloaded."""


def acquire(name: str, root: Path) -> Path:
    """Return the folder that holds the four IDX files of data set ``name``, downloading what is missing.

    One process acquires at a time; the others wait and find the files.

    Raises:
        DataUnavailableError: files are missing and cannot be downloaded; the message says where they belong.
    """
    folder = root / TORCHVISION_CLASSES[name] / "raw"
    if _missing(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(root / ".acquire.lock"):
                if missing := _missing(folder):
                    _download(name, folder, missing)
        except OSError as error:
            raise DataUnavailableError(
                f"data.root={root}: cannot be written ({error.strerror or error}). "
                "Point data.root, or MLPLAB_DATA_ROOT, at a folder that can"
            ) from error
    return folder


def has_files(name: str, root: Path) -> bool:
    """Tell whether the four files of data set ``name`` are there, whole or not."""
    return not _missing(root / TORCHVISION_CLASSES[name] / "raw")


def _missing(folder: Path) -> list[str]:
    return [file.name for file in idx.FILES if not (folder / file.name).exists()]


def _download(name: str, folder: Path, missing: list[str]) -> None:
    """Let torchvision download and check into a folder of its own; then move the whole files to their names."""
    datasets = torchvision_datasets()
    with tempfile.TemporaryDirectory(prefix=".incoming-", dir=folder) as incoming:
        staging = Path(incoming) / TORCHVISION_CLASSES[name] / "raw"
        staging.mkdir(parents=True)
        for archive in folder.glob("*.gz"):
            shutil.copy(archive, staging)  # torchvision checks an archive that is there, and unpacks it
        try:
            with _network_timeout():
                getattr(datasets, TORCHVISION_CLASSES[name])(incoming, download=True)
        except (RuntimeError, EOFError, ConnectionError, TimeoutError, http.client.HTTPException) as error:
            raise DataUnavailableError(_how_to_place(name, folder, str(error))) from error
        if name not in idx.PUBLISHED_MD5:
            idx.write_checksums(staging)
            (staging / idx.CHECKSUMS_FILE).replace(folder / idx.CHECKSUMS_FILE)
        for file in missing:
            (staging / file).replace(folder / file)


def _how_to_place(name: str, folder: Path, reason: str) -> str:
    files = ", ".join(file.name for file in idx.FILES)
    why = " ".join(reason.split())
    return (
        f"data={name}: the files are not in {folder} and cannot be downloaded ({why}). "
        f"To run offline, put {files}, or their .gz archives, into that folder; "
        f"or set MLPLAB_DATA_ROOT (or data.root) to a folder that has them in {'/'.join(folder.parts[-2:])}; "
        "or take data=digits, which needs no files"
    )


@contextmanager
def _network_timeout() -> Iterator[None]:
    # torchvision sets none: behind a firewall that drops packets its download would wait for ever.
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(NETWORK_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def torchvision_datasets() -> ModuleType:
    """Import torchvision.datasets, also where torchvision alone cannot be."""
    try:
        import torchvision.datasets
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        # The registry's torchvision is built for CUDA: beside a CPU-only torch its compiled operators do not load,
        # and its import stops at the first that it wants to describe. The data sets need none of them.
        import torch

        torch.library.define("torchvision::nms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        torch.library.define("torchvision::qnms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision.datasets
    datasets: ModuleType = torchvision.datasets
    return datasets

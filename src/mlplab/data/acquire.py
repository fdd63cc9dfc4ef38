"""The files of a data set: used if they exist, otherwise downloaded by torchvision, completely or not at all."""

import gzip
import http.client
import re
import shutil
import socket
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from urllib.error import URLError

from filelock import FileLock

from mlplab.data import idx
from mlplab.errors import DataError
from mlplab.files import open_regular
from mlplab.paths import PROJECT_ROOT

NETWORK_TIMEOUT_SECONDS = 20
_URL_ERROR = re.compile(r"<urlopen error (?:\[Errno -?\d+\] )?(.+?)>")  # torchvision names every mirror


class DataUnavailableError(DataError):
    """The files are missing and cannot be downloaded."""


@dataclass(frozen=True)
class Download:
    """What torchvision downloads, and into which folder.

    Attributes:
        torchvision_class: a class in torchvision.datasets, by name.
        folder: of the files, below the data root.
        files: names of the files that must exist.
        archives: glob pattern, below the data root, of archives that a user may have put there.
        arguments: of the class, in addition to root and download.
    """

    torchvision_class: str
    folder: str
    files: tuple[str, ...]
    archives: str
    arguments: Mapping[str, str] = field(default_factory=dict)


def acquire(name: str, download: Download, root: Path) -> Path:
    """Return the folder that holds the files of data set ``name``, downloading what is missing.

    One process downloads at a time; the others wait, then use its files.

    Raises:
        DataUnavailableError: files are missing and cannot be downloaded; the message says where they belong.
    """
    folder = root / download.folder
    if not is_complete(download, root):
        make_root(root)
        try:
            with FileLock(root / ".acquire.lock"):
                if not is_complete(download, root):
                    with _created(folder):
                        _download(name, download, root)
        except OSError as error:
            raise _unwritable(root, error) from error
    return folder


def make_root(root: Path) -> None:
    """Create the data root, if it does not exist.

    Raises:
        DataError: somebody typed its name, and there is no such folder.
        DataUnavailableError: it cannot be created.
    """
    _require_chosen(root)
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(root, error) from error


def _unwritable(root: Path, error: OSError) -> DataUnavailableError:
    return DataUnavailableError(
        f"data.root={root}: cannot be written ({error.strerror or error}). "
        "Set data.root, or MLPLAB_DATA_ROOT, to a writable folder"
    )


@contextmanager
def _created(folder: Path) -> Iterator[None]:
    """Create a folder; after an error remove it, and those above it that were created with it, as far as empty."""
    created = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with suppress(OSError):
            for one in created:
                one.rmdir()
        raise


def _require_chosen(root: Path) -> None:
    """Refuse to create a folder whose name was typed: it is rather a mistake than a place for a download."""
    if not root.exists() and root != PROJECT_ROOT / "data":
        raise DataError(
            f"data.root={root}: no such folder. Correct data.root or MLPLAB_DATA_ROOT; to download into it, create it"
        )


def is_complete(download: Download, root: Path) -> bool:
    """Tell whether all files exist; their contents are not checked."""
    return all((root / download.folder / file).exists() for file in download.files)


def _download(name: str, download: Download, root: Path) -> None:
    """Let torchvision download into a temporary folder and check the files; then move them into place."""
    datasets = torchvision_datasets()
    with tempfile.TemporaryDirectory(prefix=".incoming-", dir=root / download.folder) as incoming:
        for archive in root.glob(download.archives):  # torchvision checks and unpacks an existing archive
            staged = Path(incoming) / archive.relative_to(root)
            staged.parent.mkdir(parents=True, exist_ok=True)
            _copy(archive, staged)
            if archive.stem in download.files:
                _unpack(archive, staged)
        try:
            with network_timeout():
                getattr(datasets, download.torchvision_class)(incoming, download=True, **download.arguments)
        except (RuntimeError, EOFError, URLError, ConnectionError, TimeoutError, http.client.HTTPException) as error:
            raise DataUnavailableError(_how_to_place(name, download, root, str(error))) from error
        _move_new_files(Path(incoming) / download.folder, root / download.folder)


def _copy(archive: Path, staged: Path) -> None:
    try:
        with open_regular(archive) as source, staged.open("wb") as target:
            shutil.copyfileobj(source, target)
    except OSError as error:
        if error.filename == str(archive):
            raise DataUnavailableError(
                f"{archive}: cannot be read ({error.strerror}). Replace it, or remove it"
            ) from error
        raise


def _unpack(archive: Path, staged: Path) -> None:
    """Unpack an archive of one file: torchvision refuses one that was compressed anew, whatever it contains."""
    try:
        with gzip.open(staged) as source, staged.with_suffix("").open("wb") as target:
            shutil.copyfileobj(source, target)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{archive}: is damaged ({error}). Replace it, or remove it to have it downloaded") from error


def _move_new_files(staging: Path, folder: Path) -> None:
    if idx.note_checksums(staging):  # first, so that no file is ever without its checksum
        (staging / idx.CHECKSUMS_FILE).replace(folder / idx.CHECKSUMS_FILE)
    for file in staging.iterdir():
        if file.suffix not in (".gz", ".zip") and not (folder / file.name).exists():
            file.replace(folder / file.name)


def _how_to_place(name: str, download: Download, root: Path, reason: str) -> str:
    causes = _URL_ERROR.findall(reason)
    why = causes[-1] if causes else " ".join(reason.split())
    return (
        f"data={name}: the files are not in {root / download.folder} and cannot be downloaded ({why}).\n"
        f"To run offline, put {', '.join(download.files)} into that folder,\n"
        f"or the archives as {root}/{download.archives}; "
        f"or set MLPLAB_DATA_ROOT (or data.root) to a folder that has them in {download.folder};\n"
        "or use data=digits, which needs no files"
    )


@contextmanager
def network_timeout() -> Iterator[None]:
    """Let nothing that is asked of the network in the block wait for ever."""
    # torchvision sets no timeout: behind a firewall that drops packets its download would wait forever.
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(NETWORK_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def torchvision_datasets() -> ModuleType:
    """Import torchvision.datasets, even where a plain import of torchvision fails."""
    try:
        import torchvision.datasets
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        # The torchvision wheel on PyPI is built for CUDA: with a CPU-only torch its compiled operators do not load,
        # and its import fails at the first that it registers. The data sets need none of them.
        import torch

        torch.library.define("torchvision::nms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        torch.library.define("torchvision::qnms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision.datasets
    datasets: ModuleType = torchvision.datasets
    return datasets

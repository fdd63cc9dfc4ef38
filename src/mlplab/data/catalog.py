"""Every data set, once: its files and checksums, classes, image shape, and how to read it.

Another one is a member of ``data_config.DataName`` and an entry here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from mlplab.data import idx
from mlplab.data.acquire import Download, acquire, is_complete, torchvision_datasets
from mlplab.data.idx import IdxFile
from mlplab.data.source import Contents, Origin, Raw, Source
from mlplab.data_config import DataName, EmnistSplit
from mlplab.errors import DataError


@final
@dataclass(frozen=True)
class IdxSource(Source):
    """Four IDX files: images and labels to train on, images and labels to test on."""

    name: str
    download: Download
    files: tuple[IdxFile, ...]
    classes: int
    image_shape: tuple[int, ...] = (28, 28)
    pixel_max: float = 255.0
    first_label: int = 0  # in the files
    is_transposed: bool = False  # whether the files hold the images column by column

    def read(self, root: Path) -> Contents:
        folder = acquire(self.name, self.download, root)
        images, labels, test_images, test_labels = idx.read(self.name, folder, self.files, owner_of_checksum)
        return Contents(self._raw(images, labels), self._raw(test_images, test_labels))

    def _raw(self, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Raw:
        upright = images.swapaxes(1, 2) if self.is_transposed else images
        return Raw.of(upright, labels - self.first_label)

    def is_at_hand(self, root: Path) -> bool:
        return is_complete(self.download, root)

    def has_contents(self, root: Path) -> bool:
        return is_complete(self.download, root)

    def origin(self, root: Path) -> Origin:
        return "local", {"uri": str(root)}


@final
@dataclass(frozen=True)
class Cifar10(Source):
    """Colour images, read by torchvision: it compares every file with its published MD5 before it unpickles it."""

    download: Download
    classes: int = 10
    image_shape: tuple[int, ...] = (32, 32, 3)
    pixel_max: float = 255.0

    def read(self, root: Path) -> Contents:
        folder = acquire(DataName.cifar10, self.download, root)
        try:
            train, test = (torchvision_datasets().CIFAR10(str(root), train=train) for train in (True, False))
        except RuntimeError as error:
            raise DataError(f"{folder}: files are damaged ({error}). Remove them to have them downloaded") from error
        return Contents(*(Raw.of(part.data, np.array(part.targets)) for part in (train, test)))

    def is_at_hand(self, root: Path) -> bool:  # noqa: ARG002
        return False

    def has_contents(self, root: Path) -> bool:
        return is_complete(self.download, root)

    def origin(self, root: Path) -> Origin:
        return "local", {"uri": str(root)}


@final
@dataclass(frozen=True)
class Digits(Source):
    """scikit-learn's embedded digits."""

    train_size: int = 1_437  # the first four fifths of the 1,797 images, in scikit-learn's order
    classes: int = 10
    image_shape: tuple[int, ...] = (8, 8)
    pixel_max: float = 16.0

    def read(self, root: Path) -> Contents:  # noqa: ARG002
        from sklearn.datasets import load_digits  # takes a second to import: only who reads digits pays it

        pixels, labels = load_digits(return_X_y=True)
        whole, rows = Raw.of(pixels.astype(np.uint8), labels), np.arange(len(labels))
        return Contents(whole.take(rows[: self.train_size]), whole.take(rows[self.train_size :]))

    def is_at_hand(self, root: Path) -> bool:  # noqa: ARG002
        return False

    def has_contents(self, root: Path) -> bool:  # noqa: ARG002
        return True

    def origin(self, root: Path) -> Origin:  # noqa: ARG002
        return "code", {"tags": {"function": "sklearn.datasets.load_digits"}}


def _mnist_layout(name: str, torchvision_class: str, md5: tuple[str | None, ...] = (None,) * 4) -> IdxSource:
    names = (
        "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
    )  # fmt: skip
    shapes = ((60_000, 28, 28), (60_000,), (10_000, 28, 28), (10_000,))
    files = tuple(IdxFile(*described) for described in zip(names, shapes, md5, strict=True))
    download = Download(torchvision_class, f"{torchvision_class}/raw", names, archives=f"{torchvision_class}/raw/*.gz")
    return IdxSource(name, download, files, classes=10)


def _emnist(split: EmnistSplit, classes: int, train_size: int, test_size: int, first_label: int = 0) -> IdxSource:
    """Cohen, Afshar, Tapson and van Schaik, EMNIST, 2017, table II."""
    files = []
    for part, size in (("train", train_size), ("test", test_size)):
        prefix = f"emnist-{split}-{part}"
        files.append(IdxFile(f"{prefix}-images-idx3-ubyte", (size, 28, 28)))
        files.append(IdxFile(f"{prefix}-labels-idx1-ubyte", (size,)))
    names = tuple(file.name for file in files)
    download = Download("EMNIST", "EMNIST/raw", names, archives="EMNIST/raw/gzip.zip", arguments={"split": split})
    name = f"{DataName.emnist}/{split}"
    return IdxSource(name, download, tuple(files), classes, first_label=first_label, is_transposed=True)


_EMNIST = [
    _emnist(EmnistSplit.byclass, classes=62, train_size=697_932, test_size=116_323),
    _emnist(EmnistSplit.bymerge, classes=47, train_size=697_932, test_size=116_323),
    _emnist(EmnistSplit.balanced, classes=47, train_size=112_800, test_size=18_800),
    _emnist(EmnistSplit.letters, classes=26, train_size=124_800, test_size=20_800, first_label=1),
    _emnist(EmnistSplit.digits, classes=10, train_size=240_000, test_size=40_000),
    _emnist(EmnistSplit.mnist, classes=10, train_size=60_000, test_size=10_000),
]

# MD5 of the unpacked files. Nobody publishes those of KMNIST and EMNIST: they are noted beside the files when
# torchvision has downloaded and checked the archives.
CATALOG: dict[str, Source] = {
    DataName.mnist: _mnist_layout(
        "mnist",
        "MNIST",
        (
            "6bbc9ace898e44ae57da46a324031adb",
            "a25bea736e30d166cdddb491f175f624",
            "2646ac647ad5339dbf082846283269ea",
            "27ae3e4e09519cfbb04c329615203637",
        ),
    ),
    DataName.fashion_mnist: _mnist_layout(
        "fashion_mnist",
        "FashionMNIST",
        (
            "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "9018921c3c673c538a1fc5bad174d6f9",
            "8181f5470baa50b63fa0f6fddb340f0a",
            "15d484375f8d13e6eb1aabb0c3f46965",
        ),
    ),
    DataName.kmnist: _mnist_layout("kmnist", "KMNIST"),
    **{source.name: source for source in _EMNIST},
    DataName.cifar10: Cifar10(
        Download(
            "CIFAR10",
            "cifar-10-batches-py",
            (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"),
            archives="cifar-10-python.tar.gz",
        )
    ),
    DataName.digits: Digits(),
}


def owner_of_checksum(md5: str) -> str | None:
    """Return the data set that has a file with this checksum; None where none has."""
    files = [
        (name, file) for name, source in CATALOG.items() if isinstance(source, IdxSource) for file in source.files
    ]
    return next((str(name) for name, file in files if file.md5 == md5), None)

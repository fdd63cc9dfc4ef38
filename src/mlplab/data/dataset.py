"""A data set as an engine wants it: splits of scaled float rows and integer labels."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mlplab.config import DataConfig, DataName
from mlplab.data import idx
from mlplab.data.acquire import TORCHVISION_CLASSES, DataUnavailableError, acquire, has_files
from mlplab.errors import ConfigError

log = logging.getLogger(__name__)

CLASSES = 10  # in every data set here
DIGITS_TRAIN_SIZE = 1_437  # the first four fifths of scikit-learn's 1,797 images, in its own order


@dataclass(frozen=True)
class Split:
    """Images as rows, shape (N, I), float; their classes, shape (N,), int64."""

    images: NDArray[Any]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Scaling:
    """How raw pixels become inputs: ``(pixels / pixel_max - mean) / std``."""

    pixel_max: float
    mean: float = 0.0
    std: float = 1.0

    def apply(self, pixels: NDArray[np.uint8], dtype: DTypeLike) -> NDArray[Any]:
        """Return the inputs, shape (N, I), of raw pixels, shape (N, I)."""
        images = np.divide(pixels, self.pixel_max, dtype=dtype)
        if (self.mean, self.std) != (0.0, 1.0):
            images -= self.mean
            images /= self.std
        return images


@dataclass(frozen=True)
class Dataset:
    """Splits ready to train on.

    Attributes:
        digest: a hash of every pixel and label in them, and of their scaling.
        source: where they came from: a type of MLflow's data set sources, and its fields.
    """

    name: str
    digest: str
    source: tuple[str, Mapping[str, Any]]
    scaling: Scaling
    classes: int
    train: Split
    test: Split
    val: Split | None

    @property
    def inputs(self) -> int:
        """Numbers per image."""
        return int(self.train.images.shape[1])

    @property
    def splits(self) -> dict[str, Split]:
        """The splits there are, by name: train, test and perhaps val."""
        found = {"train": self.train, "test": self.test}
        return found if self.val is None else {**found, "val": self.val}


@dataclass(frozen=True)
class _Raw:
    """Pixels, uint8, shape (N, I), and labels, int64, shape (N,)."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> "_Raw":
        return _Raw(self.pixels[rows], self.labels[rows])


def is_at_hand(config: DataConfig) -> bool:
    """Tell whether :func:`load` will only read files: no download, and no import of a library that makes the data."""
    name = "mnist" if config.name is DataName.auto else str(config.name)
    return name in TORCHVISION_CLASSES and has_files(name, Path(config.root).expanduser().resolve())


def test_images(name: str, root: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]] | None:
    """Return the test set as it came, to look at: pixels, shape (N, I), and labels.

    Nothing is downloaded: None where it is not on this machine.

    Raises:
        DataError: files are damaged.
    """
    folder = Path(root).expanduser().resolve()
    if name in TORCHVISION_CLASSES:
        if not has_files(name, folder):
            return None
        test = _read_idx(name, folder)[2]
    elif name == "digits":
        test = _read_digits()[2]
    else:
        return None
    return test.pixels, test.labels


def load(config: DataConfig, rng: np.random.Generator, dtype: DTypeLike) -> Dataset:
    """Return the data set that the config asks for.

    Args:
        config: which one, and how to split and scale it.
        rng: draws which training images stay, and which become the validation split.
        dtype: of the images.

    Raises:
        DataError: files are missing or damaged.
        ConfigError: the splits ask for more images than there are.
    """
    name, train, test, pixel_max = _read(config)
    train, val = _split(train, config, rng)
    scaling = Scaling(pixel_max)
    if config.standardize:
        scaling = _standardizing(train.pixels, pixel_max)
    raw = [train, test] if val is None else [train, test, val]
    return Dataset(
        name=name,
        digest=_digest(raw, scaling),
        source=_source(name, config),
        scaling=scaling,
        classes=CLASSES,
        train=Split(scaling.apply(train.pixels, dtype), train.labels),
        test=Split(scaling.apply(test.pixels, dtype), test.labels),
        val=None if val is None else Split(scaling.apply(val.pixels, dtype), val.labels),
    )


def _source(name: str, config: DataConfig) -> tuple[str, Mapping[str, Any]]:
    if name == "digits":
        return "code", {"tags": {"function": "sklearn.datasets.load_digits"}}
    return "local", {"uri": str(Path(config.root).expanduser().resolve())}


def _read(config: DataConfig) -> tuple[str, _Raw, _Raw, float]:
    """Return name, training set, test set and the largest value a pixel can have."""
    root = Path(config.root).expanduser().resolve()
    if config.name is DataName.auto:
        try:
            return _read_idx("mnist", root)
        except DataUnavailableError as error:
            log.warning("MNIST is not to be had: FALLING BACK to data=digits, another data set. %s", error)
            return _read_digits()
    if config.name is DataName.digits:
        return _read_digits()
    return _read_idx(str(config.name), root)


def _read_idx(name: str, root: Path) -> tuple[str, _Raw, _Raw, float]:
    train_images, train_labels, test_images, test_labels = idx.read(name, acquire(name, root))
    return name, _flat(train_images, train_labels), _flat(test_images, test_labels), 255.0


def _read_digits() -> tuple[str, _Raw, _Raw, float]:
    from sklearn.datasets import load_digits  # a second to import: only who reads digits pays it

    pixels, labels = load_digits(return_X_y=True)
    whole = _flat(pixels.astype(np.uint8), labels)
    rows = np.arange(len(labels))
    return "digits", whole.take(rows[:DIGITS_TRAIN_SIZE]), whole.take(rows[DIGITS_TRAIN_SIZE:]), 16.0


def _flat(images: NDArray[np.uint8], labels: NDArray[Any]) -> _Raw:
    return _Raw(images.reshape(len(images), -1), labels.astype(np.int64))


def _split(train: _Raw, config: DataConfig, rng: np.random.Generator) -> tuple[_Raw, _Raw | None]:
    """Draw the validation split, then the training split from what is left; both keep the file's order."""
    available = len(train.labels)
    wanted = available - config.val_size if config.train_size is None else config.train_size
    if wanted < 1 or wanted + config.val_size > available:
        raise ConfigError(
            f"data.train_size={config.train_size}, data.val_size={config.val_size}: the training set has "
            f"{available:,} images; together they may take that many, and training needs at least 1"
        )
    if wanted == available:
        return train, None
    order = rng.permutation(available)
    val_rows = np.sort(order[: config.val_size])
    train_rows = np.sort(order[config.val_size :][:wanted])
    return train.take(train_rows), train.take(val_rows) if config.val_size else None


def _standardizing(pixels: NDArray[np.uint8], pixel_max: float) -> Scaling:
    """Return the scaling by mean and standard deviation of all these pixels: one of each for the whole image."""
    # Counting the 256 values in blocks is exact, and needs no float copy of the images.
    blocks = np.array_split(pixels, max(1, len(pixels) // 1_000))
    counts = sum(np.bincount(block.ravel(), minlength=256) for block in blocks)
    values = np.arange(256) / pixel_max
    mean = float(np.average(values, weights=counts))
    std = sqrt(float(np.average((values - mean) ** 2, weights=counts)))
    return Scaling(pixel_max, mean, std)


def _digest(raws: list[_Raw], scaling: Scaling) -> str:
    """Return a hash of pixels, labels, splits and scaling: 32 hexadecimal digits, as MLflow holds at most 36."""
    hasher = hashlib.sha256(repr((scaling, [raw.pixels.shape for raw in raws])).encode())
    for raw in raws:
        hasher.update(np.ascontiguousarray(raw.pixels).data)
        hasher.update(np.ascontiguousarray(raw.labels).data)
    return hasher.hexdigest()[:32]

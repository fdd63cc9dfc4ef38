"""A data set, ready for an engine: splits of scaled float rows and integer labels."""

import hashlib
import logging
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mlplab.config import DataConfig, DataName
from mlplab.data.acquire import DataUnavailableError
from mlplab.data.catalog import CATALOG
from mlplab.data.source import Contents, Origin, Raw
from mlplab.errors import ConfigError, DataError

log = logging.getLogger(__name__)

PREFERRED, FALLBACK = DataName.mnist, DataName.digits  # for data=auto


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
        name: of its entry in the catalog.
        digest: a hash of all pixels and labels, the splits and the scaling.
        origin: where the data came from: a type of MLflow dataset source, and its fields.
        classes: how many; labels are 0 to classes - 1.
        image_shape: of one row: (height, width) or (height, width, 3); None where rows are no images.
    """

    name: str
    digest: str
    origin: Origin
    scaling: Scaling
    classes: int
    train: Split
    test: Split
    val: Split | None
    image_shape: tuple[int, ...] | None = None

    @property
    def channels_first(self) -> tuple[int, int, int]:
        """Channels, height and width of an image; rows that are no images have one channel and height 1."""
        height, width, *color = self.image_shape or (1, self.inputs)
        return (color[0] if color else 1, height, width)

    @property
    def inputs(self) -> int:
        """Numbers per image."""
        return int(self.train.images.shape[1])

    @property
    def splits(self) -> dict[str, Split]:
        """The splits by name: train, test and, if there is one, val."""
        always = {"train": self.train, "test": self.test}
        return always if self.val is None else {**always, "val": self.val}


def is_at_hand(config: DataConfig) -> bool:
    """Tell whether :func:`load` only reads files: it needs no download, and no library that contains the data."""
    entry = PREFERRED if config.name is DataName.auto else config.entry
    return CATALOG[entry].is_at_hand(_folder(config.root))


def test_images(name: str, root: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]] | None:
    """Return the unscaled test set: images, uint8 of shape (N, height, width[, 3]), and labels, int64 of shape (N,).

    ``name`` is an entry of the catalog. Downloads nothing: returns None if the data set is unknown or not here.

    Raises:
        DataError: files are damaged.
    """
    source, folder = CATALOG.get(name), _folder(root)
    if source is None or not source.has_contents(folder):
        return None
    test = source.read(folder).test
    return test.pixels.reshape(-1, *source.image_shape), test.labels


def load(config: DataConfig, rng: np.random.Generator, dtype: DTypeLike) -> Dataset:
    """Return the data set that the config asks for.

    Args:
        config: which data set, and how to split and scale it.
        rng: draws the validation split, then the training split.
        dtype: of the images.

    Raises:
        DataError: files are missing or damaged.
        ConfigError: the splits need more images than the training set has.
    """
    name, contents = _read(config)
    source = CATALOG[name]
    train, val = _split(contents.train, config, rng)
    scaling = Scaling(source.pixel_max)
    if config.standardize:
        scaling = _standardizing(train.pixels, source.pixel_max)
    raw = [train, contents.test] if val is None else [train, contents.test, val]
    return Dataset(
        name=name,
        digest=_digest(raw, scaling),
        origin=source.origin(_folder(config.root)),
        scaling=scaling,
        classes=source.classes,
        train=Split(scaling.apply(train.pixels, dtype), train.labels),
        test=Split(scaling.apply(contents.test.pixels, dtype), contents.test.labels),
        val=None if val is None else Split(scaling.apply(val.pixels, dtype), val.labels),
        image_shape=source.image_shape,
    )


def _folder(root: str) -> Path:
    try:
        folder = Path(root).expanduser().resolve()
        folder.exists()  # fails for a name that is too long
    except (OSError, RuntimeError) as error:  # RuntimeError: ~ of nobody, or links in a circle
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"data.root={root}: cannot be a folder ({reason}); take another") from error
    return folder


def _read(config: DataConfig) -> tuple[str, Contents]:
    """Return the name of the entry in the catalog, and its contents."""
    folder = _folder(config.root)
    if config.name is not DataName.auto:
        return config.entry, CATALOG[config.entry].read(folder)
    try:
        return str(PREFERRED), CATALOG[PREFERRED].read(folder)
    except DataUnavailableError as error:
        log.warning("MNIST is unavailable: FALLING BACK to data=digits, another data set. %s", error)
        return str(FALLBACK), CATALOG[FALLBACK].read(folder)


def _split(train: Raw, config: DataConfig, rng: np.random.Generator) -> tuple[Raw, Raw | None]:
    """Draw the validation split, then the training split from the rest; both keep the file's order."""
    available = len(train.labels)
    wanted = available - config.val_size if config.train_size is None else config.train_size
    if wanted < 1 or wanted + config.val_size > available:
        raise ConfigError(
            f"data.train_size={config.train_size}, data.val_size={config.val_size}: the training set has "
            f"{available:,} images; the sum must not exceed that, and training needs at least 1"
        )
    if wanted == available:
        return train, None
    order = rng.permutation(available)
    val_rows = np.sort(order[: config.val_size])
    train_rows = np.sort(order[config.val_size :][:wanted])
    return train.take(train_rows), train.take(val_rows) if config.val_size else None


def _standardizing(pixels: NDArray[np.uint8], pixel_max: float) -> Scaling:
    """Return the scaling by the mean and standard deviation over all pixels of all images."""
    # Counting the 256 values in blocks is exact, and needs no float copy of the images.
    blocks = np.array_split(pixels, max(1, len(pixels) // 1_000))
    counts = sum(np.bincount(block.ravel(), minlength=256) for block in blocks)
    values = np.arange(256) / pixel_max
    mean = float(np.average(values, weights=counts))
    std = sqrt(float(np.average((values - mean) ** 2, weights=counts)))
    if std == 0:
        raise DataError("data.standardize=true: all pixels of the training set are the same; look at its files")
    return Scaling(pixel_max, mean, std)


def _digest(raws: list[Raw], scaling: Scaling) -> str:
    """Return a hash of pixels, labels, splits and scaling: 32 hexadecimal digits; MLflow stores at most 36."""
    hasher = hashlib.sha256(repr((scaling, [raw.pixels.shape for raw in raws])).encode())
    for raw in raws:
        hasher.update(np.ascontiguousarray(raw.pixels).data)
        hasher.update(np.ascontiguousarray(raw.labels).data)
    return hasher.hexdigest()[:32]

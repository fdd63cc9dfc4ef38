"""A data set, ready for an engine: splits of scaled float rows and integer labels."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mlplab import schema
from mlplab.data.acquire import DataUnavailableError
from mlplab.data.catalog import CATALOG
from mlplab.data.labels import RowName
from mlplab.data.own import is_here, read_own
from mlplab.data.scaling import Scaling, standardizing
from mlplab.data.source import Coding, Loaded, Origin, Raw
from mlplab.data.validation import split_training_set
from mlplab.data_config import DataConfig, DataName
from mlplab.errors import DataError

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
class Dataset:
    """Splits ready to train on.

    Attributes:
        name: of its entry in the catalog.
        digest: a hash of all pixels and labels, the splits and the scaling.
        origin: where the data came from: a type of MLflow dataset source, and its fields.
        classes: how many; labels are 0 to classes - 1.
        image_shape: of one row: (height, width) or (height, width, channels); None where rows are no images.
        coding: how people's own rows and labels became numbers; None for a published set, whose rows are numbers.
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
    coding: Coding | None = None

    @property
    def channels_first(self) -> tuple[int, int, int]:
        """Channels, height and width of an image; rows that are no images have one channel and height 1."""
        height, width, *color = self.image_shape or (1, self.inputs)
        return (color[0] if color else 1, height, width)

    @property
    def class_names(self) -> list[str]:
        """What to call each class."""
        labels = range(self.classes) if self.coding is None else self.coding.labels
        return [str(label) for label in labels]

    @property
    def profile(self) -> dict[str, Any]:
        """What MLflow is to know of it: sizes, one scaling of all numbers, names of classes, the shape of images."""
        sizes = {split: len(rows) for split, rows in self.splits.items()}
        scaling = {key: value for key, value in asdict(self.scaling).items() if not isinstance(value, tuple)}
        named = {} if self.coding is None else {schema.CLASS_NAMES: self.class_names}
        shaped = {} if self.image_shape is None else {schema.IMAGE_SHAPE: list(self.image_shape)}
        return {**sizes, **scaling, **named, **shaped}

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
    if config.is_own:
        return False
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


def test_rows(config: DataConfig) -> tuple[Any, NDArray[np.int64], RowName] | None:
    """Return the test set of people's own data, before it is coded; None where that needs a download.

    Rows: a pandas DataFrame, or an array of shape (N, ...), of which uint8 of (N, height, width[, 3]) are pictures.
    Labels: int64, shape (N,). And what a row is called in the files, by its place in the test set: also where that was
    drawn from a larger one.

    Raises:
        DataError, ConfigError: it is not here, or not what it must be.
    """
    root = _folder(config.root)
    if not is_here(config, root):
        return None
    loaded = read_own(config, root)
    assert loaded.test_source is not None
    return loaded.raw_test, loaded.contents.test.labels, loaded.test_source


def load(config: DataConfig, rng: np.random.Generator, dtype: DTypeLike) -> Dataset:
    """Return the data set that the config asks for.

    Args:
        config: which data set, and how to split and scale it.
        rng: draws the validation split, then the training split.
        dtype: of the images.

    Raises:
        DataError: files are missing or damaged, or people's own data is not what it must be.
        ConfigError: the splits need more rows than the training set has.
    """
    loaded = read_own(config, _folder(config.root)) if config.is_own else _read(config)
    contents = loaded.contents
    train, val = split_training_set(contents, config, rng)
    scaling = Scaling(loaded.pixel_max)
    if config.standardize:
        scaling = standardizing(train.pixels, loaded)
    raw = [train, contents.test] if val is None else [train, contents.test, val]
    splits = [Split(scaling.apply(rows.pixels, dtype), rows.labels) for rows in raw]
    if loaded.coding is not None:
        _require_representable(splits, dtype)
    return Dataset(
        name=loaded.name,
        digest=_digest(raw, scaling, loaded.coding),
        origin=loaded.origin,
        scaling=scaling,
        classes=loaded.classes,
        train=splits[0],
        test=splits[1],
        val=splits[2] if len(splits) == 3 else None,
        coding=loaded.coding,
        image_shape=loaded.image_shape,
    )


def _folder(root: str) -> Path:
    try:
        folder = Path(root).expanduser().resolve()
        folder.exists()  # fails for a name that is too long
    except (OSError, RuntimeError) as error:  # RuntimeError: ~ of nobody, or links in a circle
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"data.root={root}: cannot be a folder ({reason}); take another") from error
    return folder


def _read(config: DataConfig) -> Loaded:
    """Return the entry of the catalog that the config names."""
    folder = _folder(config.root)
    if config.name is not DataName.auto:
        return _catalogued(config.entry, folder)
    try:
        return _catalogued(str(PREFERRED), folder)
    except DataUnavailableError as error:
        log.warning("MNIST is unavailable: FALLING BACK to data=digits, another data set. %s", error)
        return _catalogued(str(FALLBACK), folder)


def _catalogued(name: str, folder: Path) -> Loaded:
    source = CATALOG[name]
    contents, image_shape = source.read(folder), source.image_shape
    return Loaded(name, source.origin(folder), contents, source.pixel_max, source.classes, image_shape=image_shape)


def _require_representable(splits: Sequence[Split], dtype: DTypeLike) -> None:
    """Refuse numbers that have no place in the dtype of the inputs."""
    for split in splits:
        if not np.isfinite(split.images).all():
            row, column = np.argwhere(~np.isfinite(split.images))[0]
            raise DataError(
                f"dtype={np.dtype(dtype)}: number {column} of row {row} (both from 0) is too large for it; set "
                "data.standardize=true, or dtype=float64"
            )


def _digest(raws: Sequence[Raw], scaling: Scaling, coding: Coding | None) -> str:
    """Return a hash of pixels, labels, splits and scaling: 32 hexadecimal digits; MLflow stores at most 36."""
    hasher = hashlib.sha256(repr((scaling, [raw.pixels.shape for raw in raws])).encode())
    if coding is not None:
        hasher.update(repr((coding.rows.settings(), coding.labels, [raw.pixels.dtype for raw in raws])).encode())
    for raw in raws:
        hasher.update(np.ascontiguousarray(raw.pixels).data)
        hasher.update(np.ascontiguousarray(raw.labels).data)
    return hasher.hexdigest()[:32]

"""From the parts that a reader found to a data set: the test set split off, labels and rows coded."""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlplab.data.encoding import Encoding
from mlplab.data.labels import RowName, classes_of, code_labels, smallest_class
from mlplab.data.source import Coding, Contents, Loaded, Origin, Raw
from mlplab.data_config import DataConfig
from mlplab.errors import ConfigError, DataError, UnusableHereError
from mlplab.place import is_launched

TEST_SIZE, TEST_SEED = 0.2, 0  # where the config leaves them out


@dataclass(frozen=True)
class Part:
    """Rows of one split.

    Attributes:
        raw: an array of shape (N, ...), or a pandas DataFrame.
        labels: int64 or text, shape (N,).
        where: names the labels in a message.
        called: what a row is called in the files, by its place in what was read, from 0.
        places: of these rows in what was read, int64, shape (N,); None where they are all of it.
    """

    raw: Any
    labels: NDArray[Any]
    where: str
    called: RowName
    places: NDArray[np.int64] | None = None

    def take(self, rows: NDArray[np.int64]) -> "Part":
        """Return these rows of all that was read."""
        raw = self.raw[rows] if isinstance(self.raw, np.ndarray) else self.raw.iloc[rows]
        return replace(self, raw=raw, labels=self.labels[rows], places=rows)

    def source(self, row: int) -> str:
        """Return what one of these rows is called in the files."""
        return self.called(row if self.places is None else int(self.places[row]))


def assemble(
    name: str, origin: Origin, parts: Mapping[str, Part], config: DataConfig, encode: Callable[[Any], Encoding]
) -> Loaded:
    """Return the data set of these parts.

    Args:
        name: of the data set.
        origin: of its files.
        parts: by name: train, and perhaps test and val.
        config: says how a test set is split off where there is none.
        encode: returns the encoding that fits the raw rows of the training set.

    Raises:
        DataError: classes are missing, or have too few rows.
        ConfigError: a test set is to be split off, and there is one.
    """
    split = dict(parts) if "test" in parts else {**parts, **_split_off(parts["train"], config)}
    if "test" in parts and (config.test_size, config.test_seed) != (None, None):
        key = "test_size" if config.test_size is not None else "test_seed"
        raise ConfigError(f"data.{key}={getattr(config, key)}: {name} has a test set of its own; leave data.{key} out")
    train = split["train"]
    classes = classes_of(train.labels, train.where)
    encoding = encode(train.raw)
    coded = {
        which: Raw(encoding.rows(part.raw), code_labels(part.labels, classes, part.where))
        for which, part in split.items()
    }
    pixel_max = 255.0 if encoding.dtype == np.uint8 else 1.0
    contents = Contents(coded["train"], coded["test"], coded.get("val"))
    coding, test = Coding(encoding, classes), split["test"]
    return Loaded(name, origin, contents, pixel_max, len(classes), coding, test.raw, encoding.image_shape, test.source)


def _split_off(whole: Part, config: DataConfig) -> dict[str, Part]:
    """Draw a test set from the training set: of each class the same share."""
    from sklearn.model_selection import train_test_split  # takes a second to import

    fraction = TEST_SIZE if config.test_size is None else config.test_size
    classes = classes_of(whole.labels, whole.where)
    label, fewest = smallest_class(whole.labels)
    if fewest < 2:
        raise DataError(
            f"{whole.where}: the class {label!r} has 1 row; a test set can be split off if each class has 2 or more: "
            "add rows, remove that one, or bring a test set"
        )
    rows = len(whole.labels)
    tested = ceil(rows * fraction)
    if not len(classes) <= tested <= rows - len(classes):
        raise DataError(
            f"data.test_size={fraction}: of {rows:,} rows that is {tested:,} to test on and {rows - tested:,} to "
            f"train on, and each needs a row of each of the {len(classes)} classes; take another fraction, or add rows"
        )
    seed = TEST_SEED if config.test_seed is None else config.test_seed
    train, test = train_test_split(np.arange(rows), test_size=fraction, stratify=whole.labels, random_state=seed)
    return {"train": whole.take(np.sort(train)), "test": whole.take(np.sort(test))}


def existing(config: DataConfig, what: str) -> Path:
    """Return ``data.path``, where the user's data lies. Raises DataError where there is nothing of that kind.

    Args:
        config: has the path, absolute.
        what: a file or a folder.
    """
    assert config.path is not None
    place = Path(config.path)
    try:
        kinds = {"file": place.is_file(), "folder": place.is_dir()}
        exists = place.exists()
    except OSError as error:
        raise DataError(f"{where_is(place)}: cannot be a {what} ({error.strerror}); take another") from error
    if kinds[what]:
        return place
    if exists:
        other = next((f"a {kind}" for kind, is_it in kinds.items() if is_it), "no file and no folder")
        raise DataError(f"{where_is(place)}: is {other}; data={config.name} takes a {what}")
    if is_launched():
        raise UnusableHereError(
            f"{where_is(place)}: no such {what} on {socket.gethostname()}; every machine that has jobs must find it "
            "there: put it into a folder that all share"
        )
    raise UnusableHereError(
        f"{where_is(place)}: no such {what}; a relative path is taken from where the command is typed"
    )


def where_is(path: Path) -> str:
    """Return what a message calls the user's file or folder."""
    return f"data.path={path}"

"""The interface of a data set, before it is split and scaled."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlplab.data.encoding import Encoding
from mlplab.data.labels import RowName

Origin = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Raw:
    """Rows of numbers, shape (N, I), and labels, int64, shape (N,). Pixels are uint8, other numbers are floats."""

    pixels: NDArray[Any]
    labels: NDArray[np.int64]

    @classmethod
    def of(cls, images: NDArray[np.uint8], labels: NDArray[Any]) -> "Raw":
        """Return images of any shape (N, ...) as rows."""
        return cls(images.reshape(len(images), -1), labels.astype(np.int64))

    def take(self, rows: NDArray[np.int64]) -> "Raw":
        """Return these rows, in this order."""
        return Raw(self.pixels[rows], self.labels[rows])


@dataclass(frozen=True)
class Contents:
    """The training set, the test set and, where the data set comes with one, the validation set."""

    train: Raw
    test: Raw
    val: Raw | None = None


@dataclass(frozen=True)
class Coding:
    """How people's own rows and labels are coded as numbers.

    Attributes:
        rows: from raw rows to rows of numbers.
        labels: the classes as the data names them; a class is its place among them.
    """

    rows: Encoding
    labels: tuple[int, ...] | tuple[str, ...]


@dataclass(frozen=True)
class Loaded:
    """A data set as it was read, before it is split and scaled.

    Attributes:
        name: what the run's record and the page call it.
        origin: where it came from.
        pixel_max: the largest value that a pixel can have; 1 for other numbers.
        classes: how many; labels are 0 to classes - 1.
        coding: of people's own data; None for a published set.
        raw_test: people's own test rows before they were coded: an array, or a pandas DataFrame.
        image_shape: of one row: (height, width) or (height, width, channels); None where rows are no images.
        test_source: what one of people's own test rows is called in their files, by its place in the test set.
    """

    name: str
    origin: Origin
    contents: Contents
    pixel_max: float
    classes: int
    coding: Coding | None = None
    raw_test: Any = None
    image_shape: tuple[int, ...] | None = None
    test_source: RowName | None = None


class Source(ABC):
    """One data set.

    Attributes:
        classes: how many; labels are 0 to classes - 1.
        image_shape: of one image: (height, width), or (height, width, 3) in colour.
        pixel_max: the largest value that a pixel can have.
    """

    classes: int
    image_shape: tuple[int, ...]
    pixel_max: float

    @abstractmethod
    def read(self, root: Path) -> Contents:
        """Return the verified contents; download missing files below ``root`` first.

        Raises:
            DataUnavailableError: files are missing and cannot be downloaded.
            DataError: files are damaged.
        """

    @abstractmethod
    def is_at_hand(self, root: Path) -> bool:
        """Tell whether :meth:`read` only reads files: it needs no download, and no library that contains the data."""

    @abstractmethod
    def has_contents(self, root: Path) -> bool:
        """Tell whether :meth:`read` needs no download."""

    @abstractmethod
    def origin(self, root: Path) -> Origin:
        """Return where the data came from: a type of MLflow dataset source, and its fields."""

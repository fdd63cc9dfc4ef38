"""The interface of a data set, before it is split and scaled."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Origin = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Raw:
    """Pixels, uint8, shape (N, I), and labels, int64, shape (N,)."""

    pixels: NDArray[np.uint8]
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
    """The training set and the test set."""

    train: Raw
    test: Raw


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

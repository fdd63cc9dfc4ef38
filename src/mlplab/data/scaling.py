"""How raw numbers become inputs of a network."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mlplab.data.encoding import TableRows
from mlplab.data.source import Loaded
from mlplab.errors import DataError


@dataclass(frozen=True)
class Scaling:
    """How raw pixels become inputs: ``(pixels / pixel_max - mean) / std``.

    Of people's own numbers, which are no pixels, ``pixel_max`` is 1, and each may have its own mean and deviation.
    """

    pixel_max: float
    mean: float | tuple[float, ...] = 0.0
    std: float | tuple[float, ...] = 1.0

    def apply(self, pixels: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
        """Return the inputs, shape (N, I), of raw pixels, shape (N, I); or of other numbers, each in its own scale."""
        if pixels.dtype != np.uint8:
            # In float64: a date in seconds has more digits than float32.
            mean, std = np.array(self.mean), np.array(self.std)
            numbers: NDArray[np.float64] = (pixels / np.float64(self.pixel_max) - mean) / std
            with np.errstate(over="ignore"):  # what is too large is refused where the data is loaded
                return numbers.astype(dtype)
        images: NDArray[Any] = np.divide(pixels, self.pixel_max, dtype=dtype)
        if (self.mean, self.std) != (0.0, 1.0):
            np.subtract(images, self.mean, out=images)
            np.divide(images, self.std, out=images)
        return images


def standardizing(pixels: NDArray[Any], loaded: Loaded) -> Scaling:
    """Return the scaling by mean and standard deviation: one of all pixels, of other numbers one of each."""
    if pixels.dtype != np.uint8:
        return _standardizing_each(pixels, loaded)
    # Counting the 256 values in blocks is exact, and needs no float copy of the images.
    pixel_max = loaded.pixel_max
    blocks = np.array_split(pixels, max(1, len(pixels) // 1_000))
    counts = sum(np.bincount(block.ravel(), minlength=256) for block in blocks)
    values = np.arange(256) / pixel_max
    mean = float(np.average(values, weights=counts))
    std = sqrt(float(np.average((values - mean) ** 2, weights=counts)))
    if std == 0:
        raise DataError("data.standardize=true: all pixels of the training set are the same; look at its files")
    return Scaling(pixel_max, mean, std)


def _standardizing_each(numbers: NDArray[Any], loaded: Loaded) -> Scaling:
    """Return the scaling by mean and deviation of each number; indicators, and what never varies, stay as they are."""
    mean, std = numbers.mean(axis=0, dtype=np.float64), numbers.std(axis=0, dtype=np.float64)
    encoding = None if loaded.coding is None else loaded.coding.rows
    kept = ~encoding.are_numbers if isinstance(encoding, TableRows) else np.zeros(len(mean), bool)
    mean[kept], std[kept | (std == 0)] = 0.0, 1.0
    return Scaling(loaded.pixel_max, tuple(mean.tolist()), tuple(std.tolist()))

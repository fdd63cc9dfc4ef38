"""How raw rows become rows of numbers: part of the saved model, so that raw rows predict.

A model carries a copy of this file. So it imports nothing of the project.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Encoding(ABC):
    """From raw rows, as people have them, to rows of numbers.

    Attributes:
        libraries: that it needs, beside NumPy.
    """

    libraries: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def raw_shape(self) -> tuple[int, ...] | None:
        """Of a raw row that is an array, where -1 is any size; None for a row of a DataFrame."""

    @property
    @abstractmethod
    def image_shape(self) -> tuple[int, ...] | None:
        """Of a coded row: (height, width) or (height, width, channels); None where rows are no images."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """Of the rows of numbers: uint8 for pixels, otherwise a float."""

    @abstractmethod
    def rows(self, raw: Any) -> NDArray[Any]:
        """Return the rows of numbers, shape (N, I). Raises ValueError for raw rows of another form."""

    @abstractmethod
    def example(self) -> Any:
        """Return two raw rows, of which only the form means something."""

    def settings(self) -> dict[str, Any]:
        """Return what :func:`encoding_of` makes it of again, for JSON."""
        return {"kind": type(self).__name__, **asdict(self)}  # type: ignore[call-overload]  # each is a dataclass


def number_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Return the dtype in which numbers of this dtype are kept: pixels and float32 as they are, others as float64."""
    given = np.dtype(dtype)
    return given if given in (np.uint8, np.float32) else np.dtype(np.float64)


@final
@dataclass(frozen=True)
class ArrayRows(Encoding):
    """Raw rows are an array: of this dtype, and each of this shape."""

    raw_dtype: str
    shape: Sequence[int]

    @property
    def raw_shape(self) -> tuple[int, ...]:
        return tuple(self.shape)

    @property
    def image_shape(self) -> tuple[int, ...] | None:
        return tuple(self.shape) if len(self.shape) in (2, 3) else None

    @property
    def dtype(self) -> np.dtype[Any]:
        return number_dtype(self.raw_dtype)

    def rows(self, raw: Any) -> NDArray[Any]:
        array = np.asarray(raw)
        if list(array.shape[1:]) != list(self.shape):
            raise ValueError(f"rows of shape {array.shape[1:]}: the model takes {tuple(self.shape)}")
        return array.reshape(len(array), -1).astype(self.dtype, copy=False)

    def example(self) -> NDArray[Any]:
        return np.zeros((2, *self.shape), self.raw_dtype)


@final
@dataclass(frozen=True)
class TableRows(Encoding):
    """Raw rows are a pandas DataFrame: numbers stay, a category becomes an indicator for each of its values.

    Attributes:
        columns: the name of each, and the dtype of a column of numbers, or None for one of categories.
        categories: by column; a value that is not among them has no indicator: all are 0.
    """

    columns: Mapping[str, str | None]
    categories: Mapping[str, Sequence[str]]
    libraries: ClassVar[tuple[str, ...]] = ("pandas",)

    @property
    def raw_shape(self) -> None:
        return None

    @property
    def image_shape(self) -> None:
        return None

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float64)

    @property
    def names(self) -> list[str]:
        """Of the I numbers of a row."""
        return [name for column in self.columns for name in self._names(column)]

    @property
    def are_numbers(self) -> NDArray[np.bool_]:
        """Which of the I numbers are no indicators."""
        return np.array([self.columns[column] is not None for column in self.columns for _ in self._names(column)])

    def _names(self, column: str) -> list[str]:
        return [column] if self.columns[column] else [f"{column}={value}" for value in self.categories[column]]

    def rows(self, raw: Any) -> NDArray[Any]:
        missing = [name for name in self.columns if name not in raw]
        if missing:
            raise ValueError(f"rows without the columns {', '.join(missing)}: the model takes all it was trained on")
        parts = [self._numbers(name, raw[name]) for name in self.columns]
        return np.concatenate(parts, axis=1) if parts else np.empty((len(raw), 0))

    def _numbers(self, name: str, column: Any) -> NDArray[np.float64]:
        if self.columns[name] is not None:
            return np.asarray(column, np.float64)[:, None]
        import pandas as pd

        kinds = pd.Index(list(self.categories[name]))
        codes = kinds.get_indexer(pd.Index(column.astype(str)))
        indicators: NDArray[np.float64] = (codes[:, None] == np.arange(len(kinds))).astype(np.float64)
        return indicators

    def example(self) -> Any:
        import pandas as pd

        return pd.DataFrame(
            {
                name: pd.Series([self.categories[name][0]] * 2) if dtype is None else np.zeros(2, dtype)
                for name, dtype in self.columns.items()
            }
        )


@final
@dataclass(frozen=True)
class PictureRows(Encoding):
    """Raw rows are pictures, uint8 of shape (N, height, width), or (N, height, width, 3) in colour.

    Attributes:
        shape: of a picture, as the network sees it.
        resizes: whether pictures of another size are resized to that one.
    """

    shape: Sequence[int]
    resizes: bool
    libraries: ClassVar[tuple[str, ...]] = ("pillow",)

    @property
    def raw_shape(self) -> tuple[int, ...]:
        return (-1, -1, *self.shape[2:]) if self.resizes else tuple(self.shape)

    @property
    def image_shape(self) -> tuple[int, ...]:
        return tuple(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8)

    def rows(self, raw: Any) -> NDArray[Any]:
        pictures = np.asarray(raw)
        if pictures.dtype != np.uint8 or list(pictures.shape[3:]) != list(self.shape[2:]):
            raise ValueError(f"{pictures.dtype} of shape {pictures.shape}: the model takes uint8 of {self._takes}")
        if self.resizes and list(pictures.shape[1:]) != list(self.shape):
            from PIL import Image

            pictures = np.stack([self.resized(Image.fromarray(picture)) for picture in pictures])
        if list(pictures.shape[1:]) != list(self.shape):
            raise ValueError(f"pictures of shape {pictures.shape[1:]}: the model takes {self._takes}")
        return pictures.reshape(len(pictures), -1)

    @property
    def _takes(self) -> str:
        sides = ("any height", "any width") if self.resizes else map(str, self.shape[:2])
        return f"({', '.join(('N', *sides, *map(str, self.shape[2:])))})"

    def resized(self, picture: Any) -> NDArray[np.uint8]:
        """Return the pixels of a Pillow image, resized where ``resizes``."""
        height, width = self.shape[:2]
        if self.resizes and picture.size != (width, height):
            from PIL import Image

            picture = picture.resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(picture)

    def example(self) -> NDArray[np.uint8]:
        return np.zeros((2, *self.shape), np.uint8)


_KINDS: Mapping[str, type[Encoding]] = {kind.__name__: kind for kind in (ArrayRows, TableRows, PictureRows)}


def encoding_of(settings: Mapping[str, Any]) -> Encoding:
    """Return the encoding of these :meth:`Encoding.settings`."""
    return _KINDS[settings["kind"]](**{key: value for key, value in settings.items() if key != "kind"})

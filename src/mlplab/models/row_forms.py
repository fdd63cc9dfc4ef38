"""Which rows a saved model takes, by its signature and metadata: an array, or a table. Rows are checked here, once."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, isnan, prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlplab.data.labels import RowName, array_row
from mlplab.errors import DataError
from mlplab.tracking.model import METADATA

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import Model

_MOST_SHOWN = 80  # characters of a wrong cell
_NO_NUMBERS = {"U": "text", "S": "text", "O": "something that is no number", "b": "true and false"}


@dataclass(frozen=True)
class ArrayForm:
    """Rows are an array.

    Attributes:
        dtype: of the array; uint8 for pixels.
        shape: of a row, where -1 is any size.
        image_shape: of a row: (height, width) or (height, width, channels); None where rows are no images.
        pixel_max: the largest value that a pixel can have.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    image_shape: tuple[int, ...] | None
    pixel_max: int = 255

    @property
    def are_pixels(self) -> bool:
        """Whether rows are pictures, so that a picture can be made a row."""
        return self.dtype == np.uint8 and self.image_shape is not None

    @property
    def takes(self) -> str:
        """What is right, for a message."""
        shapes = " or ".join(_written(shape) for shape in self._shapes)
        if self.dtype == np.uint8:
            return f"raw pixels, whole numbers from 0 to {self.pixel_max}, of shape {shapes}"
        kind = "whole numbers" if self.dtype.kind in "iu" else "finite numbers"
        return f"{kind} of shape {shapes}"

    @property
    def _shapes(self) -> list[tuple[int, ...]]:
        """Of a row, each that is taken: its own, and an image flat or with its axes."""
        image = [] if self.image_shape is None else [(prod(self.image_shape),), self.image_shape]
        return list(dict.fromkeys([self.shape, *image]))

    def check(self, given: Any, where: str) -> NDArray[Any]:
        """Return the rows as the model takes them: shape (N, *shape), of its dtype.

        Args:
            given: an array, or nested lists.
            where: names them in a message.

        Raises:
            DataError: they are something else.
        """
        try:
            array = np.asarray(given)
        except (ValueError, OverflowError) as error:
            raise DataError(f"{where}: rows differ in length; takes {self.takes}") from error
        if array.size == 0:
            raise DataError(f"{where}: holds no rows; takes {self.takes}")
        self._require_numbers(array, where)
        return self._shaped(array, where).astype(self.dtype, copy=False)

    def _require_numbers(self, array: NDArray[Any], where: str) -> None:
        kind = array.dtype.kind
        if kind not in "iuf" and not (kind == "b" and self.dtype.kind == "b"):
            raise DataError(f"{where}: holds {_NO_NUMBERS.get(kind, str(array.dtype))}; takes {self.takes}")
        if kind == "f" and not np.isfinite(array).all():
            raise DataError(f"{where}: holds NaN or an infinite number; takes {self.takes}")
        if self.dtype == np.uint8:
            if kind == "f":
                raise DataError(f"{where}: holds fractions, as pixels that are scaled already; takes {self.takes}")
            if array.min() < 0 or array.max() > self.pixel_max:
                raise DataError(f"{where}: holds values from {array.min()} to {array.max()}; takes {self.takes}")
            return
        with np.errstate(over="ignore", invalid="ignore"):
            cast = array.astype(self.dtype)
        is_kept = np.isfinite(cast).all() if self.dtype.kind == "f" else np.array_equal(cast, array)
        if not is_kept:
            raise DataError(f"{where}: holds numbers that {self.dtype} has not; takes {self.takes}")

    def _shaped(self, array: NDArray[Any], where: str) -> NDArray[Any]:
        given = array.shape[1:]
        if _fits(given, self.shape):
            return array
        if given not in self._shapes[1:]:
            raise DataError(f"{where}: has shape {_written(array.shape, '')}; takes {self.takes}")
        assert self.image_shape is not None
        own = self.image_shape if -1 in self.shape else self.shape
        return array.reshape(len(array), *own)


@dataclass(frozen=True)
class TableForm:
    """Rows are a pandas DataFrame.

    Attributes:
        columns: the name of each, and whether it holds numbers; otherwise text.
    """

    columns: Mapping[str, bool]
    are_pixels = False

    @property
    def takes(self) -> str:
        """What is right, for a message."""
        return f"rows with the columns {', '.join(self.columns)}"

    @property
    def csv_dtypes(self) -> dict[str, type]:
        """For pandas' reader: of text alone, which it would otherwise take for numbers where a file has no other."""
        return {name: str for name, is_number in self.columns.items() if not is_number}

    def require_texts(self, given: "pd.DataFrame", where: str) -> None:
        """Raise DataError for a number, or true or false, where text belongs: JSON tells them apart."""
        for name in self.csv_dtypes:
            for row, value in given[name].dropna().items() if name in given else ():
                if not isinstance(value, str):
                    raise DataError(f"{where}: {array_row(row)}, column {name} is {_shown(value)}: takes text")

    def check(self, given: "pd.DataFrame", where: str, row_name: RowName = array_row) -> "pd.DataFrame":
        """Return the columns that the model takes; others, such as the labels, are left out.

        Args:
            given: has a row's place as its index, from 0.
            where: names the table in a message.
            row_name: names a row.

        Raises:
            DataError: a column is missing, or a cell is not what it must be.
        """
        import pandas as pd

        missing = [name for name in self.columns if name not in given]
        if missing:
            raise DataError(f"{where}: lacks the column {missing[0]}; takes {self.takes}")
        if given.empty:
            raise DataError(f"{where}: holds no rows; takes {self.takes}")
        return pd.DataFrame(
            {
                name: _numbers(given[name], where, row_name) if is_number else _texts(given[name], where, row_name)
                for name, is_number in self.columns.items()
            }
        )


Form = ArrayForm | TableForm


def form_of_model(model: "Model") -> Form:
    """Return which rows a model takes.

    Raises:
        DataError: it was saved by something else, or before models said so.
    """
    facts, schema = (model.metadata or {}).get(METADATA), model.signature and model.signature.inputs
    if facts is None or schema is None:
        raise DataError("this model does not say what its rows and classes are; train it anew")
    if not schema.is_tensor_spec():
        return TableForm({column.name: str(column.type).lower().startswith("any") for column in schema.inputs})
    (spec,) = schema.inputs
    image = facts["image_shape"]
    shape = None if image is None else tuple(image)
    return ArrayForm(spec.type, tuple(spec.shape[1:]), shape, round(facts.get("pixel_max") or 255))


def _fits(given: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(given) == len(wanted) and all(want in (-1, have) for have, want in zip(given, wanted, strict=True))


def _written(shape: tuple[int, ...], first: str = "N") -> str:
    """Return a shape as a reader of NumPy knows it; a size that may be any is named."""
    names = iter(("height", "width"))
    sizes = [next(names, "any") if size == -1 else str(size) for size in shape]
    listed = ", ".join([first, *sizes] if first else sizes)
    return f"({listed},)" if len(shape) == 1 and not first else f"({listed})"


def _numbers(column: "pd.Series[Any]", where: str, row_name: RowName) -> "pd.Series[Any]":
    values = column.tolist()
    wrong = [row for row, value in enumerate(values) if not _is_finite(value)]
    if wrong:
        # One text among numbers makes texts of all that are read with it.
        row = next((row for row in wrong if not _says_number(values[row])), wrong[0])
        at = f"{row_name(column.index[row])}, column {column.name}"
        raise DataError(f"{where}: {at} is {_shown(values[row])}: takes a finite number")
    # Whole numbers beyond 64 bits are Python's own in pandas, which the model does not take.
    return column.astype(np.float64) if column.dtype == object else column


def _shown(value: Any) -> str:
    if value is None or (isinstance(value, float) and isnan(value)):
        return "empty"
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def _is_finite(value: Any) -> bool:
    try:
        return isinstance(value, bool | int | float) and isfinite(value)
    except OverflowError:  # a whole number beyond the largest float
        return False


def _says_number(value: Any) -> bool:
    try:
        return _is_finite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def _texts(column: "pd.Series[Any]", where: str, row_name: RowName) -> "pd.Series[Any]":
    empty = column.index[column.isna()]
    if len(empty):
        raise DataError(f"{where}: {row_name(empty[0])}, column {column.name} is empty: takes text")
    return column.astype(str)

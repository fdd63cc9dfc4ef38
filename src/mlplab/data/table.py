"""Tables with a column to predict, out of a CSV file or from OpenML: numbers and categories, read by pandas."""

import difflib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlplab.data.assembly import Part, assemble, existing, where_is
from mlplab.data.encoding import TableRows
from mlplab.data.labels import listed_some, read_labels, table_row
from mlplab.data.room import require_room
from mlplab.data.source import Loaded
from mlplab.data_config import DataConfig
from mlplab.errors import DataError
from mlplab.terminal import count_of

if TYPE_CHECKING:
    import pandas as pd

MOST_CATEGORIES = 20  # or half as many as there are rows: a column with more is rather of names than of categories
_SEPARATED = "cells are separated by commas, and a decimal point is a point"
_SPACE = 2  # times the size of the file: the table, and the inputs made of it


def read_csv(config: DataConfig, root: Path) -> Loaded:  # noqa: ARG001
    """Return the data set in the file at ``data.path``, which predicts the column ``data.label``.

    Raises:
        DataError: the file, a column, or a cell is not what it must be; the message says where.
    """
    assert config.label is not None
    path = existing(config, "file")
    where = where_is(path)
    require_room(_SPACE * path.stat().st_size, where, "take fewer rows or columns")
    import pandas as pd  # takes a second: only who has a table pays it

    with table_faults(where):
        frame = pd.read_csv(path, low_memory=False, index_col=False)

    def text_at(row: int, place: int) -> str:
        texts = pd.read_csv(path, dtype=str, keep_default_na=False, index_col=False, nrows=row + 1)
        return str(texts.iloc[row, place])

    return tabular(path.name, ("local", {"uri": str(path)}), frame, config.label, config, where, text_at)


@contextmanager
def table_faults(where: str) -> Iterator[None]:
    """Raise DataError for what pandas finds while the block reads a CSV file; ``where`` names the file.

    The block reads with ``index_col=False``: otherwise pandas takes first cells for names of rows, without a word,
    where rows have more cells than the first line.
    """
    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            yield
    except pd.errors.ParserWarning as error:
        raise DataError(
            f"{where}: its rows have more cells than its first line has names of columns: {_SEPARATED}; a text with "
            "commas stands in double quotes"
        ) from error
    except pd.errors.EmptyDataError as error:
        raise DataError(
            f"{where}: is empty; its first line takes the names of the columns, the others rows"
        ) from error
    except pd.errors.ParserError as error:
        said = " ".join(str(error).split()).rpartition("C error: ")[2]
        raise DataError(
            f"{where}: cannot be read as a table ({said}): {_SEPARATED}; a text with commas stands in double quotes"
        ) from error
    except (UnicodeDecodeError, OSError) as error:
        raise DataError(f"{where}: cannot be read as a table ({error}); save it as CSV in UTF-8") from error


def tabular(
    name: str, origin: tuple[str, dict[str, Any]], frame: "pd.DataFrame", label: str, config: DataConfig, where: str,
    text_at: Callable[[int, int], str] = lambda *_: "",
) -> Loaded:  # fmt: skip
    """Return the data set of this table, checked.

    Args:
        name, origin: of the data set.
        frame: the table.
        label: the column to predict.
        config: says how a test set is split off.
        where: names the table in a message.
        text_at: returns what the file has in a cell that pandas takes for empty, by the places of row and column.

    Raises:
        DataError: a column or a cell is not what it must be.
    """
    _check_columns(frame, label, where)
    for place, column in enumerate(frame):
        _check_filled(frame, place, where, text_at)
        _check_cells(frame[column], where)
    labels = frame[label]
    is_text = labels.dtype.kind not in "biuf"
    given = read_labels(
        np.array(labels.astype(str), dtype=str) if is_text else labels, f"{where}: column {label}", table_row
    )
    features = frame.drop(columns=label)

    def encode(train: "pd.DataFrame") -> TableRows:
        return TableRows(
            {column: None if _is_text(train[column]) else str(train[column].dtype) for column in train},
            {column: _categories(train[column], where) for column in train if _is_text(train[column])},
        )

    part = Part(features, given, f"{where}: column {label}", table_row)
    return assemble(name, origin, {"train": part}, config, encode)


def _check_columns(frame: "pd.DataFrame", label: str, where: str) -> None:
    if label not in frame:
        close = difflib.get_close_matches(label, map(str, frame.columns), n=1)
        is_one = len(frame.columns) == 1
        hint = f"did you mean {close[0]}? " if close and not is_one else ""
        commas = f"; {_SEPARATED}" if is_one else ""
        raise DataError(
            f"data.label={label}: {where} has no such column; {hint}it has {listed_some(frame.columns)}{commas}"
        )
    if len(frame.columns) < 2:
        raise DataError(f"{where}: has no column beside {label}; add what predicts it")
    if frame.empty:
        raise DataError(f"{where}: has no rows; add some below the names of the columns")


def _check_filled(frame: "pd.DataFrame", place: int, where: str, text_at: Callable[[int, int], str]) -> None:
    """Refuse cells of a column that are empty, or that pandas takes for empty."""
    column = frame.iloc[:, place]
    broken = np.flatnonzero(column.isna())
    if not len(broken):
        return
    row = int(broken[0])
    count = f"{count_of(len(broken), 'cell')} of this column {'is' if len(broken) == 1 else 'are'}"
    text = text_at(row, place)
    if text:
        raise DataError(
            f"{where}: {_cell(column, row)} says {text!r}, which is read as an empty cell; {count}: where it is a "
            "category, rename it; where a value is missing, fill it in, or remove the rows or the column"
        )
    rest = frame.iloc[row, place:]
    if len(rest) > 1 and rest.isna().all():
        raise DataError(
            f"{where}: {table_row(row)} has nothing from column {column.name} on; {count} empty: fill the cells in, "
            "or remove the rows or the columns"
        )
    raise DataError(f"{where}: {_cell(column, row)} is empty; {count}: fill them in, or remove the rows or the column")


def _check_cells(column: "pd.Series[Any]", where: str) -> None:
    """Refuse cells that are infinite, and a text among numbers."""
    if not _is_text(column):
        if column.dtype.kind not in "biuf":
            raise DataError(f"{where}: column {column.name} has dtype {column.dtype}: takes numbers or text")
        broken = np.flatnonzero(~np.isfinite(column.to_numpy(np.float64)))
        if len(broken):
            raise DataError(f"{where}: {_cell(column, broken[0])} is infinite; replace it, or remove the row")
        return
    import pandas as pd

    strange = np.flatnonzero(pd.to_numeric(column.astype(str), errors="coerce").isna())
    if 0 < len(strange) < len(column) / 2:
        raise DataError(
            f"{where}: {_cell(column, strange[0])} is {column.iloc[strange[0]]!r}, and most other cells of this "
            "column are numbers: correct it (a decimal point is a point), or remove the row or the column"
        )


def _cell(column: "pd.Series[Any]", row: int | np.intp) -> str:
    return f"{table_row(int(row))}, column {column.name}"


def _is_text(column: "pd.Series[Any]") -> bool:
    import pandas as pd

    return isinstance(column.dtype, pd.StringDtype | pd.CategoricalDtype) or column.dtype == object


def _categories(column: "pd.Series[Any]", where: str) -> list[str]:
    values = sorted(column.astype(str).unique().tolist())
    if len(values) > max(MOST_CATEGORIES, len(column) / 2):
        raise DataError(
            f"{where}: column {column.name} has {len(values):,} different texts in {len(column):,} rows: rather names "
            "than categories, which tell nothing about other rows; remove the column"
        )
    return values

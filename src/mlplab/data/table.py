"""Tables with a column to predict, out of a CSV file or from OpenML: numbers and categories, read by pandas."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlplab.data.assembly import Part, assemble, existing
from mlplab.data.encoding import TableRows
from mlplab.data.labels import listed_some, read_labels
from mlplab.data.room import require_room
from mlplab.data.source import Loaded
from mlplab.data_config import DataConfig
from mlplab.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

MOST_CATEGORIES = 20  # or half as many as there are rows: a column with more is rather of names than of categories
_SPACE = 2  # times the size of the file: the table, and the inputs made of it


def read_csv(config: DataConfig, root: Path) -> Loaded:  # noqa: ARG001
    """Return the data set in the file at ``data.path``, which predicts the column ``data.label``.

    Raises:
        DataError: the file, a column, or a cell is not what it must be; the message says where.
    """
    assert config.path is not None
    assert config.label is not None
    path = existing(config.path, "file")
    require_room(_SPACE * path.stat().st_size, str(path), "take fewer rows or columns")
    import pandas as pd  # takes a second: only who has a table pays it

    try:
        frame = pd.read_csv(path, low_memory=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError) as error:
        raise DataError(
            f"{path}: cannot be read as a table ({' '.join(str(error).split())}); save it as CSV in UTF-8, its first "
            "line the names of the columns"
        ) from error
    return tabular(path.name, ("local", {"uri": str(path)}), frame, config.label, config, str(path))


def tabular(
    name: str, origin: tuple[str, dict[str, Any]], frame: "pd.DataFrame", label: str, config: DataConfig, where: str
) -> Loaded:
    """Return the data set of this table, checked; ``where`` names it in a message. Raises DataError."""
    _check_columns(frame, label, where)
    for column in frame:
        _check_cells(frame[column], where)
    labels = frame[label]
    is_text = labels.dtype.kind not in "biuf"
    given = read_labels(np.array(labels.astype(str), dtype=str) if is_text else labels, f"{where}: column {label}")
    features = frame.drop(columns=label)

    def encode(train: "pd.DataFrame") -> TableRows:
        return TableRows(
            {column: None if _is_text(train[column]) else str(train[column].dtype) for column in train},
            {column: _categories(train[column], where) for column in train if _is_text(train[column])},
        )

    part = Part(features, given, f"{where}: column {label}", lambda place: f"row {place + 1} below the header")
    return assemble(name, origin, {"train": part}, config, encode)


def _check_columns(frame: "pd.DataFrame", label: str, where: str) -> None:
    if label not in frame:
        close = difflib.get_close_matches(label, map(str, frame.columns), n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        commas = "; cells are separated by commas" if len(frame.columns) == 1 else ""
        raise DataError(
            f"data.label={label}: {where} has no such column; {hint}it has {listed_some(frame.columns)}{commas}"
        )
    if len(frame.columns) < 2:
        raise DataError(f"{where}: has no column beside {label}; add what predicts it")
    if frame.empty:
        raise DataError(f"{where}: has no rows; add some below the names of the columns")


def _check_cells(column: "pd.Series[Any]", where: str) -> None:
    """Refuse cells that are empty or infinite, and a text among numbers."""
    broken = np.flatnonzero(column.isna())
    if len(broken):
        raise DataError(
            f"{where}: {_cell(column, broken[0])} is empty, or says NA or NaN; {len(broken):,} cells of this column "
            "are: fill them in, or remove the rows or the column"
        )
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


def _cell(column: "pd.Series[Any]", row: np.intp) -> str:
    return f"row {row + 1} below the header, column {column.name}"


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

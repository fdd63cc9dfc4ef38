"""Labels as people write them, text or whole numbers: checked, then coded as classes."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlplab.errors import DataError

MOST_NAMED = 10  # of several things in one message

RowName = Callable[[int], str]  # from the place of a row, from 0, to what a message calls it


def array_row(place: int) -> str:
    """Return what a message calls a row of an array, as NumPy counts."""
    return f"row {place} (from 0)"


def table_row(place: int) -> str:
    """Return what a message calls a row of a table, as people count."""
    return f"row {place + 1} below the header"


def read_labels(given: Any, where: str, row_name: RowName = array_row) -> NDArray[Any]:
    """Return labels, int64 or text, of shape (N,).

    Args:
        given: of any dtype; booleans are the classes 0 and 1.
        where: names the labels in a message.
        row_name: names one of them.

    Raises:
        DataError: they are not one whole number, or one text, per row.
    """
    labels = np.asarray(given)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(
            f"{where} has shape {labels.shape}: takes one label per row, shape (N,); of one-hot rows save "
            "argmax(axis=1)"
        )
    match labels.dtype.kind:
        case "b" | "i" | "u":
            return labels.astype(np.int64)
        case "U":
            return labels
        case "f":
            return _whole(labels, where, row_name)
        case _:
            raise DataError(f"{where} has dtype {labels.dtype}: takes whole numbers or text")


def _whole(labels: NDArray[Any], where: str, row_name: RowName) -> NDArray[np.int64]:
    broken = np.flatnonzero(~(np.isfinite(labels) & (labels == np.round(labels))))
    if len(broken):
        raise DataError(
            f"{where}, {row_name(int(broken[0]))} is {labels[broken[0]]}: a class is a whole number or a text; "
            "a quantity cannot be classified, cut it into ranges"
        )
    return labels.astype(np.int64)


def classes_of(labels: NDArray[Any], where: str) -> tuple[int, ...] | tuple[str, ...]:
    """Return the classes of a training set, sorted. Raises DataError where there is one alone."""
    classes = tuple(np.unique(labels).tolist())
    if len(classes) < 2:
        only = f"has the class {classes[0]!r} alone" if classes else "has no rows"
        raise DataError(f"{where} {only}: takes rows of two classes or more")
    return classes


def code_labels(labels: NDArray[Any], classes: tuple[int, ...] | tuple[str, ...], where: str) -> NDArray[np.int64]:
    """Return the place of each label among the classes. Raises DataError for one that is not among them."""
    unknown = np.setdiff1d(labels, np.array(classes))
    if len(unknown):
        first = int(np.flatnonzero(labels == unknown[0])[0])
        raise DataError(
            f"{where} has {listed_some(unknown.tolist())} (first in row {first}, from 0), which the training set has "
            f"not: it has {listed_some(classes)}. Remove these rows, or add such rows to the training set"
        )
    return np.searchsorted(np.array(classes), labels).astype(np.int64)


def listed_some(things: Any) -> str:
    """Return the first few things, and how many more there are."""
    shown = ", ".join(map(str, list(things)[:MOST_NAMED]))
    return shown if len(things) <= MOST_NAMED else f"{shown} and {len(things) - MOST_NAMED} more"


def smallest_class(labels: NDArray[Any]) -> tuple[Any, int]:
    """Return the class with the fewest rows, and how many it has."""
    values, counts = np.unique(labels, return_counts=True)
    place = int(counts.argmin())
    return values[place].item(), int(counts[place])

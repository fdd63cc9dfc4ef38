"""The test set that runs of a comparison saw, read again to show its hardest rows: pictures, or rows of a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlplab import data
from mlplab.data_config import DataConfig
from mlplab.errors import UserError
from mlplab.schema import DATA_TAG
from mlplab.store.store import Store

MOST_COLUMNS = 12  # of a table: more are counted


@dataclass(frozen=True)
class TestSet:
    """Rows and their classes.

    Attributes:
        rows: an array, shape (N, ...), or a pandas DataFrame; uint8 of shape (N, height, width[, 3]) are pictures.
        labels: int64, shape (N,).
        class_names: () where classes are numbers.
        source: what a row is called in people's own files, by its place; None of a published set.
    """

    __test__ = False  # no test of pytest's

    rows: Any
    labels: NDArray[np.int64]
    class_names: tuple[str, ...] = ()
    source: Callable[[int], str] | None = None

    @property
    def _are_pictures(self) -> bool:
        rows = self.rows
        is_pixels = isinstance(rows, np.ndarray) and rows.dtype == np.uint8
        return is_pixels and (rows.ndim == 3 or (rows.ndim == 4 and rows.shape[3] == 3))

    def name(self, label: int) -> int | str:
        """Return what a class is called."""
        return self.class_names[label] if self.class_names else label

    def pixels(self, index: int) -> NDArray[np.uint8] | None:
        """Return the picture; None if the rows are none."""
        return self.rows[index] if self._are_pictures else None

    def cells(self, index: int) -> dict[str, str]:
        """Return the first columns of a row as text, and how many more there are; empty for a picture."""
        if self._are_pictures:
            return {}
        row = self.rows.iloc[index] if isinstance(self.rows, pd.DataFrame) else pd.Series(self.rows[index].ravel())
        shown = {str(column): _text(value) for column, value in row.iloc[:MOST_COLUMNS].items()}
        return shown if len(row) <= MOST_COLUMNS else {**shown, "...": f"{len(row) - MOST_COLUMNS:,} more"}


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_set_of(
    store: Store, predicting: pd.DataFrame, predictions: Sequence[NDArray[np.int64]]
) -> tuple[TestSet | None, str]:
    """Return the test set that all these runs saw; or None, and why.

    Args:
        store: has the runs.
        predicting: the runs.
        predictions: of each, shape (N, 2): label and prediction.

    Raises:
        StoreError: the store does not answer.
    """
    if not predictions:
        return None, "no run has recorded its predictions"
    labels = predictions[0][:, 0]
    if any(not np.array_equal(pairs[:, 0], labels) for pairs in predictions):
        return None, "the runs are of different test sets"
    try:
        found = _read(store, predicting.iloc[0])
    except (UserError, ValueError) as error:
        return None, str(error)
    if found is None or not np.array_equal(found.labels, labels):
        return None, "the data set that the runs saw is not on this machine"
    return found, ""


def _read(store: Store, run: "pd.Series[Any]") -> TestSet | None:
    names = run.get("class_names")
    if isinstance(names, tuple):
        (recorded,) = store.find([run["run_id"]])  # its params as they were written
        found = data.test_rows(DataConfig.of_params(recorded.data.params))
        if found is None:
            return None
        rows, labels, source = found
        return TestSet(rows, labels, names, source)
    name, root = run.get(f"tags.{DATA_TAG}"), run.get("params.data.root")
    images = data.test_images(name, root) if isinstance(name, str) and isinstance(root, str) else None
    return None if images is None else TestSet(*images)

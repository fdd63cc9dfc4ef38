"""What a saved network takes and answers: rows as the data has them, and the classes by the data's names."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mlplab.data import Dataset, encoding
from mlplab.tracking.model import RowForm


def form_of(dataset: Dataset) -> RowForm:
    """Return it for a data set: raw rows of people's own data, uint8 rows (N, I) of a published set."""
    coding = dataset.coding
    if coding is None:
        inputs, classes, pixel_max = dataset.inputs, list(range(dataset.classes)), dataset.scaling.pixel_max
        return RowForm(
            np.zeros((2, inputs), np.uint8), (inputs,), np.uint8, classes, dataset.image_shape, pixel_max=pixel_max
        )
    rows = coding.rows
    code = Path(encoding.__file__)
    example, labels = rows.example(), list(coding.labels)
    return RowForm(
        example,
        rows.raw_shape,
        rows.dtype,
        labels,
        rows.image_shape,
        rows.settings(),
        code,
        rows.libraries,
        dataset.scaling.pixel_max,
    )


@contextmanager
def whole_or_none(folder: Path) -> Iterator[None]:
    """Let the block create the folder: what a killed process left goes first, and all of it if the block fails."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield
    except BaseException:  # a full disk, or a signal
        shutil.rmtree(folder, ignore_errors=True)
        raise

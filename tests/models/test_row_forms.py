"""Which rows a model takes, and what is said of others."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.models import Model

from mlplab.data.labels import table_row
from mlplab.errors import DataError
from mlplab.models.loading import LoadedModel
from mlplab.models.row_forms import ArrayForm, TableForm, form_of_model

DIGITS = ArrayForm(np.dtype(np.uint8), (784,), (28, 28))
PICTURES = ArrayForm(np.dtype(np.uint8), (-1, -1, 3), (8, 6, 3))
NUMBERS = ArrayForm(np.dtype(np.float32), (4,), None, 1)
COUNTS = ArrayForm(np.dtype(np.int64), (2,), None)
WINES = TableForm({"alcohol": True, "strength": False})
TAKES = "takes raw pixels, whole numbers from 0 to 255, of shape (N, 784) or (N, 28, 28)"


def test_the_form_is_read_from_a_saved_model(loaded: Callable[..., LoadedModel]) -> None:
    assert loaded("digits").form == DIGITS
    assert loaded("small digits").form == ArrayForm(np.dtype(np.uint8), (64,), (8, 8), 16)
    assert loaded("colour").form == PICTURES
    assert loaded("numbers").form == NUMBERS
    assert loaded("table").form == WINES


def test_a_model_that_says_nothing_of_itself_is_refused() -> None:
    with pytest.raises(DataError, match=r"^this model does not say what its rows and classes are; train it anew$"):
        form_of_model(Model())


@pytest.mark.parametrize("shape", [(3, 784), (3, 28, 28)])
def test_images_are_taken_flat_and_with_their_axes(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    for given_pixels in (pixels, pixels.tolist(), pixels.astype(np.int64)):
        checked = DIGITS.check(given_pixels, "inputs")
        assert (checked.shape, checked.dtype) == ((3, 784), np.uint8)
        np.testing.assert_array_equal(checked.ravel(), pixels.ravel())


def test_pictures_of_any_size_are_taken_where_the_model_resizes_them() -> None:
    assert PICTURES.check(np.zeros((2, 30, 40, 3), np.uint8), "inputs").shape == (2, 30, 40, 3)
    assert PICTURES.check(np.zeros((2, 144), np.uint8), "inputs").shape == (2, 8, 6, 3)


@given(
    st.lists(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=4, max_size=4), min_size=1)
)
def test_numbers_come_through_unchanged(rows: list[list[float]]) -> None:
    np.testing.assert_array_equal(NUMBERS.check(rows, "inputs"), np.array(rows, np.float32))


@pytest.mark.parametrize(
    ("form", "rows", "message"),
    [
        (DIGITS, [], f"holds no rows; {TAKES}"),
        (DIGITS, [[]], f"holds no rows; {TAKES}"),
        (DIGITS, [[0] * 783], f"has shape (1, 783); {TAKES}"),
        (DIGITS, [0] * 784, f"has shape (784,); {TAKES}"),
        (DIGITS, [[[0] * 28] * 27], f"has shape (1, 27, 28); {TAKES}"),
        (DIGITS, 7, f"has shape (); {TAKES}"),
        (DIGITS, [[0] * 784, [0] * 783], f"rows differ in length; {TAKES}"),
        (DIGITS, [["7"] * 784], f"holds text; {TAKES}"),
        (DIGITS, "text", f"holds text; {TAKES}"),
        (DIGITS, {"a": 1}, f"holds something that is no number; {TAKES}"),
        (DIGITS, [[None] * 784], f"holds something that is no number; {TAKES}"),
        (DIGITS, [[10**30] * 784], f"holds something that is no number; {TAKES}"),
        (DIGITS, [[True] * 784], f"holds true and false; {TAKES}"),
        (DIGITS, [[float("nan")] * 784], f"holds NaN or an infinite number; {TAKES}"),
        (DIGITS, [[0.5] * 784], f"holds fractions, as pixels that are scaled already; {TAKES}"),
        (DIGITS, [[256] * 784], f"holds values from 256 to 256; {TAKES}"),
        (DIGITS, [[-1] * 784], f"holds values from -1 to -1; {TAKES}"),
        (NUMBERS, [[1, 2, 3]], "has shape (1, 3); takes finite numbers of shape (N, 4)"),
        (NUMBERS, [[1, 2, 3, float("inf")]], "holds NaN or an infinite number; takes finite numbers of shape (N, 4)"),
        (NUMBERS, [[1, 2, 3, 1e300]], "holds numbers that float32 has not; takes finite numbers of shape (N, 4)"),
        (COUNTS, [[1, 2.5]], "holds numbers that int64 has not; takes whole numbers of shape (N, 2)"),
        (
            PICTURES,
            np.zeros((2, 8, 6), np.uint8),
            "has shape (2, 8, 6); takes raw pixels, whole numbers from 0 to 255, of shape (N, height, width, 3) or "
            "(N, 144) or (N, 8, 6, 3)",
        ),
    ],
)  # fmt: skip
def test_other_rows_are_one_message_that_says_what_is_right(form: ArrayForm, rows: object, message: str) -> None:
    with pytest.raises(DataError) as raised:
        form.check(rows, "inputs")
    assert str(raised.value) == f"inputs: {message}"


def test_of_a_table_the_columns_of_the_model_are_taken() -> None:
    frame = pd.DataFrame({"cultivar": ["a", "b"], "strength": ["light", "new"], "alcohol": [13, 12.5]})
    assert WINES.check(frame, "table").to_dict("list") == {"alcohol": [13, 12.5], "strength": ["light", "new"]}


def test_a_whole_number_beyond_64_bits_is_taken_as_the_float_it_is() -> None:
    checked = WINES.check(pd.DataFrame({"alcohol": [5, 2**64], "strength": ["light"] * 2}), "table")
    assert checked["alcohol"].dtype == np.float64
    assert checked["alcohol"].tolist() == [5.0, 2.0**64]


def test_a_row_is_called_as_its_source_counts() -> None:
    with pytest.raises(DataError, match=r"^table: row 2 below the header, column strength is empty: takes text$"):
        WINES.check(pd.DataFrame({"alcohol": [13, 14], "strength": ["light", None]}), "table", table_row)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"alcohol": [13]}, "lacks the column strength; takes rows with the columns alcohol, strength"),
        ({"alcohol": [], "strength": []}, "holds no rows; takes rows with the columns alcohol, strength"),
        (
            {"alcohol": [13, None], "strength": ["light"] * 2},
            "row 1 (from 0), column alcohol is empty: takes a finite number",
        ),
        (
            {"alcohol": [13, "13,5"], "strength": ["light"] * 2},
            "row 1 (from 0), column alcohol is '13,5': takes a finite number",
        ),
        (
            {"alcohol": [float("inf")], "strength": ["light"]},
            "row 0 (from 0), column alcohol is inf: takes a finite number",
        ),
        (
            {"alcohol": [10**400], "strength": ["light"]},
            f"row 0 (from 0), column alcohol is 1{'0' * 79}...: takes a finite number",
        ),
        ({"alcohol": [13], "strength": [None]}, "row 0 (from 0), column strength is empty: takes text"),
    ],
)
def test_another_table_is_one_message(frame: dict[str, list[object]], message: str) -> None:
    with pytest.raises(DataError) as raised:
        WINES.check(pd.DataFrame(frame), "table")
    assert str(raised.value) == f"table: {message}"

"""Arrays at hand are kept as a file, named by what is in it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlplab.app import arrays
from mlplab.app.arrays import saved_arrays
from mlplab.errors import ConfigError

X = np.arange(12.0).reshape(4, 3)
Y = np.array([0, 1, 0, 1])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(arrays, "_FOLDER", tmp_path / "arrays")
    return tmp_path / "arrays"


def test_the_file_has_the_arrays() -> None:
    with np.load(saved_arrays((X, Y, X[:2], Y[:2]))) as file:
        found = dict(file)
    assert list(found) == ["x_train", "y_train", "x_test", "y_test"]
    assert np.array_equal(found["x_train"], X)
    assert np.array_equal(found["y_test"], Y[:2])


def test_equal_arrays_are_one_file(folder: Path) -> None:
    first = saved_arrays((X, Y))
    assert saved_arrays((X.copy(order="F"), list(Y))) == first
    assert list(folder.iterdir()) == [first]


@pytest.mark.parametrize("other", [(X + 1, Y), (X, 1 - Y), (X.astype(np.float32), Y), (X, Y, X, Y)])
def test_other_arrays_are_another_file(other: arrays.Arrays) -> None:
    assert saved_arrays(other) != saved_arrays((X, Y))


def test_a_table_and_its_column_of_text_are_taken() -> None:
    table = pd.DataFrame({"a": [1.0, 2.0], "label": ["cat", "dog"]})
    with np.load(saved_arrays((table[["a"]], table["label"]))) as file:
        assert file["y_train"].tolist() == ["cat", "dog"]


def test_what_a_file_cannot_hold_is_refused() -> None:
    with pytest.raises(ConfigError, match="y_train has dtype object"):
        saved_arrays((X, [None, 1, 0, 1]))
    with pytest.raises(ConfigError, match="and 3 were given"):
        saved_arrays((X, Y, X))  # type: ignore[arg-type]

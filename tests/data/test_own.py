"""People's own data: read with libraries, split, coded; what is wrong is one message with file, row and remedy."""

import itertools
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_wine

from mlplab import data
from mlplab.data_config import Color, DataConfig, DataName
from mlplab.errors import ConfigError, DataError, UserError

NAMES = np.array(["barolo", "barbera", "grignolino"])


def config(name: DataName, path: Path | None, **keys: Any) -> DataConfig:
    defaults: dict[str, Any] = {"root": "unused", "train_size": None, "val_size": 0, "standardize": False}
    return DataConfig(name=name, path=None if path is None else str(path), **{**defaults, **keys})


def load(given: DataConfig, seed: int = 0, dtype: str = "float64") -> data.Dataset:
    return data.load(given, np.random.default_rng(seed), dtype)


def refused(given: Callable[[], DataConfig], *said: str) -> None:
    with pytest.raises(UserError) as caught:
        load(given())
    message = str(caught.value)
    assert "\n" not in message
    for part in said:
        assert part in message, message


# --- npz


def arrays(rows: int = 40) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    return {
        "x_train": rng.integers(0, 256, (rows, 4, 3), dtype=np.uint8),
        "y_train": NAMES[np.arange(rows) % 3],
        "x_test": rng.integers(0, 256, (9, 4, 3), dtype=np.uint8),
        "y_test": NAMES[np.arange(9) % 3],
    }


def npz(folder: Path, **changes: Any) -> Path:
    path = folder / "mine.npz"
    kept = {key: value for key, value in {**arrays(), **changes}.items() if value is not None}
    np.savez(path, **kept)
    return path


def test_arrays_are_read_as_they_are_and_classes_keep_their_names(tmp_path: Path) -> None:
    dataset = load(config(DataName.npz, npz(tmp_path)))
    assert (dataset.name, dataset.inputs, dataset.classes) == ("mine.npz", 12, 3)
    assert dataset.class_names == ["barbera", "barolo", "grignolino"]
    given = arrays()
    np.testing.assert_array_equal(dataset.train.images, given["x_train"].reshape(40, 12) / 255)
    assert [dataset.class_names[label] for label in dataset.test.labels] == given["y_test"].tolist()
    assert dataset.origin == ("local", {"uri": str(tmp_path / "mine.npz")})


@pytest.mark.parametrize(("shape", "warned"), [((3, 6, 5), True), ((6, 5, 3), False), ((3, 4), False)])
def test_rows_that_look_as_if_their_channels_came_first_are_warned_of(
    tmp_path: Path, shape: tuple[int, ...], warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    x = np.random.default_rng(0).random((40, *shape))
    load(config(DataName.npz, npz(tmp_path, x_train=x, y_train=np.arange(40) % 2, x_test=None, y_test=None)))
    assert ("save numpy.moveaxis(x, 1, -1)" in caplog.text) is warned


def test_a_validation_set_of_the_files_own_is_the_validation_split(tmp_path: Path) -> None:
    path = npz(tmp_path, x_val=arrays()["x_test"], y_val=arrays()["y_test"])
    dataset = load(config(DataName.npz, path))
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 40, "test": 9, "val": 9}
    refused(lambda: config(DataName.npz, path, val_size=5), "data.val_size=5", "a validation set of its own")


def test_numbers_are_standardized_each_by_its_own_mean_and_deviation(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal([1e9, 5.0, 7.0], [1.0, 1e-3, 0.0], (40, 3))
    path = npz(tmp_path, x_train=x, y_train=np.arange(40) % 2, x_test=None, y_test=None)
    dataset = load(config(DataName.npz, path, standardize=True), dtype="float32")
    np.testing.assert_allclose(dataset.train.images.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(dataset.train.images.std(axis=0), [1, 1, 0], atol=1e-3)
    assert dataset.class_names == ["0", "1"]


def test_one_value_and_one_name_change_the_digest(tmp_path: Path) -> None:
    before = load(config(DataName.npz, npz(tmp_path))).digest
    assert load(config(DataName.npz, npz(tmp_path))).digest == before
    changed = arrays()["x_test"]
    changed[2, 1, 1] ^= 1
    renamed = np.where(arrays()["y_train"] == "barolo", "Barolo", arrays()["y_train"])
    tests = np.where(arrays()["y_test"] == "barolo", "Barolo", arrays()["y_test"])
    digests = {
        before,
        load(config(DataName.npz, npz(tmp_path, x_test=changed))).digest,
        load(config(DataName.npz, npz(tmp_path, y_train=renamed, y_test=tests))).digest,
    }
    assert len(digests) == 3


def with_value(value: float) -> np.ndarray:
    x = np.zeros((40, 4, 3), np.float32)
    x[17, 1, 2] = value
    return x


NPZ_FAULTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no y_train": ({"y_train": None}, ("lacks y_train; it has x_test, x_train, y_test", "numpy.savez")),
    "no y_test": ({"y_test": None}, ("lacks y_test",)),
    "rows and labels": ({"y_train": NAMES[[0, 1]]}, ("x_train has 40 rows and y_train has shape (2,)",)),
    "test of other shape": ({"x_test": np.zeros((9, 5), np.uint8)}, ("x_test has rows of shape (5,)", "(4, 3)")),
    "test of other dtype": ({"x_test": np.zeros((9, 4, 3))}, ("float64", "uint8", "save both alike")),
    "NaN": (
        {"x_train": with_value(np.nan), "x_test": with_value(0)[:9]},
        ("x_train, row 17, column 5 (both from 0) is nan; 1 such value in all",),
    ),
    "infinity": ({"x_train": with_value(np.inf), "x_test": with_value(0)[:9]}, ("row 17, column 5", "is inf")),
    "objects": (
        {"x_train": np.array([[1], [1, 2]], dtype=object), "y_train": NAMES[:2]},
        ("x_train has dtype object", "pickle"),
    ),
    "text": ({"x_train": np.full((40, 2), "a")}, ("x_train has dtype <U1: takes numbers",)),
    "one axis": ({"x_train": np.zeros(40)}, ("x_train has shape (40,): takes one row or more",)),
    "no rows": ({"x_train": np.zeros((0, 2)), "y_train": NAMES[:0]}, ("x_train has shape (0, 2)",)),
    "one class": (
        {"y_train": np.full(40, "barolo"), "x_test": None, "y_test": None},
        ("y_train has the class 'barolo' alone", "two classes or more"),
    ),
    "label of the test set alone": (
        {"y_test": np.full(9, "merlot")},
        ("y_test has merlot (first in row 0, from 0), which the training set has not", "barbera, barolo, grignolino"),
    ),
    "one row of a class": (
        {"y_train": np.array(["a"] * 39 + ["b"]), "x_test": None, "y_test": None},
        ("the class 'b' has 1 row",),
    ),
    "one-hot": ({"y_train": np.zeros((40, 3))}, ("y_train has shape (40, 3)", "argmax(axis=1)")),
    "quantities": ({"y_train": np.linspace(0, 1, 40)}, ("y_train, row 1 (from 0) is 0.02", "cut it into ranges")),
    "dates": ({"y_train": np.zeros(40, "datetime64[s]")}, ("y_train has dtype datetime64",)),
}


@pytest.mark.parametrize("fault", NPZ_FAULTS)
def test_a_fault_in_an_npz_file_is_named(tmp_path: Path, fault: str) -> None:
    changes, said = NPZ_FAULTS[fault]
    refused(lambda: config(DataName.npz, npz(tmp_path, **changes)), f"data.path={tmp_path / 'mine.npz'}: ", *said)


def test_a_file_that_is_no_npz_or_is_cut_off_is_named(tmp_path: Path) -> None:
    path = npz(tmp_path)
    content = path.read_bytes()
    for broken in (b"", b"hello", content[: len(content) // 2]):
        path.write_bytes(broken)
        refused(lambda: config(DataName.npz, path), f"data.path={path}: is no npz file, or is damaged", "numpy.savez")
    middle = content.index(b"\x93NUMPY") + 200  # of the first array's numbers: its checksum does not fit any more
    path.write_bytes(content[:middle] + b"\xff\x00\xff" + content[middle + 3 :])
    refused(
        lambda: config(DataName.npz, path),
        f"data.path={path}: is no npz file, or is damaged (Bad CRC-32 for file 'x_train.npy')",
    )


def test_a_file_that_is_too_large_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "huge.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, shape in (("x_train", (10**9, 784)), ("y_train", (10**9,))):
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    refused(
        lambda: config(DataName.npz, path),
        f"data.path={path}: needs 6,280.0 GB of memory at the least, and",
        "are free",
    )
    path = tmp_path / "huge.csv"
    with path.open("w") as table:
        table.write("a,b\n")
        os.truncate(table.fileno(), 10**12)
    refused(lambda: config(DataName.csv, path, label="b"), f"data.path={path}: needs 2,000.0 GB")


# --- a test set that is split off


def test_a_test_set_is_split_off_of_every_class_alike_and_does_not_depend_on_the_seed(tmp_path: Path) -> None:
    path = npz(tmp_path, x_test=None, y_test=None, y_train=np.array(["a"] * 30 + ["b"] * 10))
    one, other = (load(config(DataName.npz, path), seed) for seed in (0, 1))
    assert (len(one.train), len(one.test)) == (32, 8)
    assert np.bincount(one.test.labels).tolist() == [6, 2]
    np.testing.assert_array_equal(one.test.images, other.test.images)
    rows = {row.tobytes() for row in one.train.images} | {row.tobytes() for row in one.test.images}
    assert len(rows) == 40
    assert not np.array_equal(load(config(DataName.npz, path, test_seed=1)).test.images, one.test.images)
    assert len(load(config(DataName.npz, path, test_size=0.5)).test) == 20


def test_a_split_that_is_too_small_or_not_wanted_is_refused(tmp_path: Path) -> None:
    path = npz(tmp_path, x_test=None, y_test=None)
    for size in (0.01, 0.99):
        refused(lambda size=size: config(DataName.npz, path, test_size=size), f"data.test_size={size}: of 40 rows")
    for key, value in (("test_size", 0.5), ("test_seed", 1)):
        refused(
            lambda key=key, value=value: config(DataName.npz, npz(tmp_path), **{key: value}),
            f"data.{key}={value}: mine.npz has a test set of its own; leave data.{key} out",
        )


def test_test_rows_that_were_drawn_are_found_again_in_the_files(tmp_path: Path) -> None:
    frame = wine()
    of_table = data.test_rows(csv(tmp_path, frame))
    assert of_table is not None
    rows, labels, source = of_table
    lines = (tmp_path / "wine.csv").read_text().splitlines()
    for place in range(len(labels)):
        found = re.fullmatch(r"row (\d+) below the header", source(place))
        assert found is not None
        assert lines[int(found[1])].startswith(f"{rows.iloc[place]['alcohol']},{rows.iloc[place]['malic_acid']},")
    drawn = data.test_rows(config(DataName.npz, npz(tmp_path, x_test=None, y_test=None)))
    assert drawn is not None
    rows, labels, source = drawn
    for place in range(len(labels)):
        found = re.fullmatch(r"row (\d+) \(from 0\) of x_train", source(place))
        assert found is not None
        np.testing.assert_array_equal(arrays()["x_train"][int(found[1])], rows[place])
    own = data.test_rows(config(DataName.npz, npz(tmp_path)))
    assert own is not None
    assert own[2](3) == "row 3 (from 0) of x_test"


# --- csv


def wine() -> pd.DataFrame:
    found = load_wine(as_frame=True)
    frame: pd.DataFrame = found.frame.copy()
    frame["cultivar"] = NAMES[found.target]
    frame["strength"] = np.where(frame["alcohol"] > 13, "strong", "light")
    return frame.drop(columns="target")


def table(folder: Path, frame: pd.DataFrame) -> Path:
    path = folder / "wine.csv"
    frame.to_csv(path, index=False)
    return path


def csv(folder: Path, frame: pd.DataFrame, **keys: Any) -> DataConfig:
    return config(DataName.csv, table(folder, frame), **{"label": "cultivar", **keys})


def test_a_table_has_numbers_and_an_indicator_for_each_category(tmp_path: Path) -> None:
    dataset = load(csv(tmp_path, wine(), standardize=True))
    assert (dataset.inputs, dataset.classes) == (13 + 2, 3)
    assert set(np.unique(dataset.train.images[:, 13:])) == {0, 1}
    np.testing.assert_allclose(dataset.train.images[:, :13].mean(axis=0), 0, atol=1e-12)
    found = data.test_rows(csv(tmp_path, wine()))
    assert found is not None
    rows, labels, _ = found
    assert list(rows.columns) == list(wine().columns.drop("cultivar"))
    assert len(rows) == len(labels) == 36


def test_a_category_of_the_test_set_alone_has_no_indicator(tmp_path: Path) -> None:
    frame = wine()
    test = load(csv(tmp_path, frame))
    assert test.coding is not None
    unknown = frame.head(2).assign(strength=["strong", "weak"])
    assert test.coding.rows.rows(unknown)[:, 13:].tolist() == [[0, 1], [0, 0]]


def cell(column: str, row: int, value: object) -> pd.DataFrame:
    frame = wine().astype({column: object})
    frame.loc[row, column] = value
    return frame


CSV_FAULTS: dict[str, tuple[Callable[[], pd.DataFrame], tuple[str, ...]]] = {
    "no such column": (lambda: wine().rename(columns={"cultivar": "cultivars"}), (
        "data.label=cultivar: data.path=", "wine.csv has no such column; did you mean cultivars?", "alcohol")),
    "empty cell": (lambda: cell("ash", 4, None), (
        "row 5 below the header, column ash is empty; 1 cell of this column is: fill them in",)),
    "empty label": (lambda: cell("cultivar", 9, None), ("row 10 below the header, column cultivar is empty",)),
    "short row": (lambda: cut_short(wine(), 4, "ash"), (
        "row 5 below the header has nothing from column ash on; 1 cell of this column is empty: fill the cells in",)),
    "NA": (lambda: cell("ash", 4, "NA"), ("column ash says 'NA', which is read as an empty cell; 1 cell of this",)),
    "a class called null": (lambda: wine().replace("barolo", "null"), (
        "row 1 below the header, column cultivar says 'null', which is read as an empty cell; 59 cells of this column "
        "are: where it is a category, rename it",)),
    "a category called None": (lambda: wine().replace("strong", "None"), ("column strength says 'None', which",)),
    "infinity": (lambda: cell("ash", 4, np.inf), ("row 5 below the header, column ash is infinite",)),
    "a text among numbers": (lambda: cell("ash", 4, "2,5"), ("row 5 below the header, column ash is '2,5'",)),
    "names": (lambda: wine().assign(id=[f"wine {i}" for i in range(178)]), ("column id has 142 different texts",)),
    "label alone": (lambda: wine()[["cultivar"]], ("has no column beside cultivar",)),
    "no rows": (lambda: wine().head(0), ("has no rows",)),
    "one class": (lambda: wine().assign(cultivar="barolo"), ("has the class 'barolo' alone",)),
    "quantities": (lambda: wine().assign(cultivar=wine()["ash"]), (
        "column cultivar, row 1 below the header is 2.43: a class is a whole number or a text",)),
}  # fmt: skip


def cut_short(frame: pd.DataFrame, row: int, column: str) -> pd.DataFrame:
    whole = frame.astype(object)
    whole.iloc[row, list(frame).index(column) :] = None
    return whole


@pytest.mark.parametrize("fault", CSV_FAULTS)
def test_a_fault_in_a_table_is_named(tmp_path: Path, fault: str) -> None:
    frame, said = CSV_FAULTS[fault]
    refused(lambda: csv(tmp_path, frame()), f"data.path={tmp_path / 'wine.csv'}", *said)


SEPARATED = "cells are separated by commas, and a decimal point is a point"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ": is empty; its first line takes the names of the columns"),
        (b"\n\n", ": is empty; its first line takes the names of the columns"),
        (b"\xff\xfe\x00a,b", ": cannot be read as a table ("),
        (b'a,b\n1,"2\n', ": cannot be read as a table (EOF inside string starting at row 1): "),
        (b"a;cultivar\n1;2\n", f" has no such column; it has a;cultivar; {SEPARATED}"),
        (
            b"a;cultivar\n1,5;2\n2,5;1\n",
            f": its rows have more cells than its first line has names of columns: {SEPARATED}",
        ),
        (
            b"a;cultivar\n1,5;2\n1,5;2,5\n",
            f": cannot be read as a table (Expected 2 fields in line 3, saw 3): {SEPARATED}",
        ),
        (
            b"a,cultivar\n1,2,x\n1,2,y\n",
            f": its rows have more cells than its first line has names of columns: {SEPARATED}; a text with",
        ),
        (b"a,cultivar,b\n1,x,2\n1\n", "row 2 below the header has nothing from column cultivar on; 1 cell of this"),
    ],
)
def test_a_file_that_is_no_table_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "wine.csv"
    path.write_bytes(content)
    refused(lambda: config(DataName.csv, path, label="cultivar"), f"data.path={path}", said)


# --- pictures


def draw(path: Path, shade: int, size: tuple[int, int] = (6, 5), mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, shade if mode in ("L", "I;16") else (shade, 0, 255 - shade)).save(path)


def folder_of_pictures(root: Path, mode: str = "L", splits: tuple[str, ...] = ("train", "test")) -> Path:
    shades = itertools.count(10, 3)
    for split, kind, number in itertools.product(splits, ("cat", "dog"), range(3)):
        draw(root / split / kind / f"{number}.png", next(shades), mode=mode)
    return root


@pytest.mark.parametrize(("mode", "inputs"), [("L", 30), ("RGB", 90)])
def test_pictures_are_grey_or_in_colour_as_their_files_are(tmp_path: Path, mode: str, inputs: int) -> None:
    path = folder_of_pictures(tmp_path / "pets", mode)
    dataset = load(config(DataName.images, path))
    assert (dataset.name, dataset.inputs, dataset.class_names) == ("pets", inputs, ["cat", "dog"])
    assert dataset.train.images[0, 0] == 10 / 255
    assert load(config(DataName.images, path, color=Color.grey)).inputs == 30
    assert load(config(DataName.images, path, color=Color.rgb, image_size=2)).inputs == 12


@pytest.mark.parametrize("splits", [("train", "test"), ("train",)])
def test_a_picture_of_the_test_set_is_found_again_by_its_file(tmp_path: Path, splits: tuple[str, ...]) -> None:
    path = folder_of_pictures(tmp_path / "pets", splits=splits)
    test = data.test_rows(config(DataName.images, path))
    assert test is not None
    pixels, labels, source = test
    for place, label in enumerate(labels):
        assert source(place).startswith(f"{splits[-1]}/{['cat', 'dog'][label]}/")
        with Image.open(path / source(place)) as picture:
            np.testing.assert_array_equal(np.asarray(picture), pixels[place])


def test_a_mixed_folder_is_in_colour(tmp_path: Path) -> None:
    path = folder_of_pictures(tmp_path / "pets")
    draw(path / "test" / "dog" / "2.png", 10, mode="RGB")
    assert load(config(DataName.images, path)).inputs == 90


def test_pictures_of_several_sizes_are_refused_or_resized(tmp_path: Path) -> None:
    path = folder_of_pictures(tmp_path / "pets")
    odd = path / "train" / "dog" / "1.png"
    draw(odd, 10, size=(9, 9))
    refused(lambda: config(DataName.images, path), f"data.path={path}: train/dog/1.png: is 9 x 9 pixels",
            "and the first picture is 6 x 5",
            "set data.image_size=5")  # fmt: skip
    assert load(config(DataName.images, path, image_size=5)).inputs == 25


def test_a_fault_in_a_folder_is_named(tmp_path: Path) -> None:
    path = folder_of_pictures(tmp_path / "pets")
    given = config(DataName.images, path)
    broken = path / "test" / "cat" / "1.png"
    whole = broken.read_bytes()
    for content in (b"", b"no picture", whole[:50]):
        broken.write_bytes(content)
        refused(
            lambda: given, f"data.path={path}: test/cat/1.png: cannot be read as a picture", "replace it, or remove it"
        )
    draw(broken, 300, mode="I;16")
    refused(lambda: given, f"data.path={path}: test/cat/1.png: has more than 8 bits per pixel")
    broken.write_bytes(whole)
    refused(
        lambda: config(DataName.images, path, image_size=10**6),
        f"data.path={path}: needs 60,000.0 GB",
        "data.image_size",
    )
    (path / "test" / "cow").mkdir()
    refused(
        lambda: given, f"data.path={path}: test/cow has no pictures (.jpg, ", "put some there, or remove the folder"
    )
    draw(path / "test" / "cow" / "0.png", 3)
    refused(lambda: given, f"data.path={path}: test has the class cow, which train has not: it has cat, dog; remove "
            "the folder test/cow, or put pictures of that class into train/cow")  # fmt: skip


def test_a_folder_without_train_or_without_anything_is_named(tmp_path: Path) -> None:
    given = config(DataName.images, tmp_path)
    refused(lambda: given, f"data.path={tmp_path}: has no folder train (it is empty)")
    folder_of_pictures(tmp_path, splits=("cats", "dogs"))
    refused(
        lambda: given,
        f"data.path={tmp_path}: has no folder train (it has cats, dogs); put the pictures into train/CLASS/",
    )
    (tmp_path / "train").mkdir()
    refused(lambda: given, f"data.path={tmp_path}: train has no folder of a class; put the pictures into train/CLASS/")


# --- where it lies


@pytest.mark.parametrize(
    ("name", "keys", "kind", "other"),
    [
        (DataName.npz, {}, "file", "folder"),
        (DataName.csv, {"label": "a"}, "file", "folder"),
        (DataName.images, {}, "folder", "file"),
    ],
)
def test_what_is_not_there_or_is_something_else_is_named(
    tmp_path: Path, name: DataName, keys: dict[str, Any], kind: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere, wrong = tmp_path / "nowhere", tmp_path / "wrong"
    wrong.mkdir() if other == "folder" else wrong.touch()
    relative = f"data.path={nowhere}: no such {kind}; a relative path is taken from where the command is typed"
    with pytest.raises(DataError, match=f"^{re.escape(relative)}$"):
        load(config(name, nowhere, **keys))
    refused(lambda: config(name, wrong, **keys), f"data.path={wrong}: is a {other}; data={name} takes a {kind}")
    refused(lambda: config(name, Path("/dev/null"), **keys), f"is no file and no folder; data={name} takes a {kind}")
    refused(lambda: config(name, tmp_path / ("x" * 300), **keys), "take another")
    monkeypatch.setattr("mlplab.data.assembly.is_launched", lambda: True)
    here = f"data.path={nowhere}: no such {kind} on {os.uname().nodename}; every machine that has jobs must find it"
    refused(lambda: config(name, nowhere, **keys), here, "put it into a folder that all share")


KEYS = [
    (DataName.digits, {"path": "a"}, "data.path=a: is a key of data=npz, data=csv, data=images"),
    (DataName.npz, {}, "data.path=null: data=npz needs it"),
    (DataName.csv, {"path": "a"}, "data.label=null: data=csv needs it: the column to predict"),
    (DataName.csv, {"path": "a", "label": "b", "image_size": 3}, "data.image_size=3: is a key of data=images"),
    (DataName.openml, {}, "data.dataset_id=null: data=openml needs it"),
    (DataName.openml, {"dataset_id": 0}, "data.dataset_id=0: takes the number"),
    (DataName.torchvision, {}, "data.dataset=null: data=torchvision needs it"),
    (DataName.npz, {"path": "a", "test_size": 1.0}, "data.test_size=1.0: takes a fraction"),
    (DataName.npz, {"path": "a", "test_seed": -1}, "data.test_seed=-1: takes a whole number"),
    (DataName.images, {"path": "a", "image_size": 0}, "data.image_size=0: takes the side"),
    (DataName.mnist, {"color": Color.grey}, "data.color=grey: is a key of"),
]


@pytest.mark.parametrize(("name", "keys", "said"), KEYS)
def test_a_key_that_a_kind_of_data_lacks_or_does_not_take_is_refused(
    name: DataName, keys: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        config(name, None, **keys) if "path" not in keys else config(name, Path(keys.pop("path")), **keys)
    assert said in str(caught.value)


def test_a_number_that_float32_does_not_hold_is_refused(tmp_path: Path) -> None:
    x = np.full((40, 2), 1e300)
    path = npz(tmp_path, x_train=x, y_train=np.arange(40) % 2, x_test=None, y_test=None)
    with pytest.raises(DataError, match=r"dtype=float32: number 0 of row 0 .* is too large for it; set data.standard"):
        load(config(DataName.npz, path), dtype="float32")

"""Rows out of files and folders, batch by batch, and what is said of others."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mlplab.errors import UserError
from mlplab.models import incoming
from mlplab.models.incoming import Incoming, open_incoming
from mlplab.models.loading import LoadedModel
from mlplab.models.prediction_file import prediction_file
from mlplab.models.row_forms import ArrayForm, TableForm

DIGITS = ArrayForm(np.dtype(np.uint8), (784,), (28, 28))
NUMBERS = ArrayForm(np.dtype(np.float32), (4,), None, 1)
WINES = TableForm({"alcohol": True, "strength": False})
MODEL = "model=best, which is tanh (2423a6be)"
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "BATCH", 3)


def read(found: Incoming) -> tuple[list[object], list[int], list[object]]:
    """Names, sizes of the batches, and rows."""
    names, sizes, rows = [], [], []
    for some, batch in found.batches:
        names += some
        sizes.append(len(batch))
        rows.append(batch)
    return names, sizes, rows


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("shape", [(7, 784), (7, 28, 28)])
def test_an_array_is_read_in_batches(tmp_path: Path, save: Callable[..., None], shape: tuple[int, ...]) -> None:
    pixels = RNG.integers(0, 256, shape, dtype=np.uint8)
    save(tmp_path / "some.npz", x_test=pixels, y_test=np.arange(7))
    found = open_incoming(tmp_path / "some.npz", DIGITS, None, False, MODEL)
    names, sizes, rows = read(found)
    assert (found.label, found.total, names, sizes) == ("row", 7, list(range(7)), [3, 3, 1])
    np.testing.assert_array_equal(np.concatenate(rows), pixels.reshape(7, 784))


def test_one_of_several_arrays_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "some.npz", x_train=np.zeros((2, 4)), x_test=np.ones((1, 4)))
    (batch,) = read(open_incoming(tmp_path / "some.npz", NUMBERS, "x_test", False, MODEL))[2]
    np.testing.assert_array_equal(batch, np.ones((1, 4)))


def test_a_table_is_read_in_batches_and_other_columns_are_left_out(tmp_path: Path) -> None:
    frame = pd.DataFrame({"cultivar": "barolo", "strength": list("abcdefg"), "alcohol": range(7)})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    names, sizes, rows = read(open_incoming(tmp_path / "rows.csv", WINES, None, False, MODEL))
    assert (names, sizes) == (list(range(7)), [3, 3, 1])
    pd.testing.assert_frame_equal(pd.concat(rows), frame[["alcohol", "strength"]])


def test_text_that_looks_like_numbers_or_booleans_stays_as_it_was_trained_on(tmp_path: Path) -> None:
    frame = pd.DataFrame({"code": ["01"] * 5 + ["A"], "flag": ["true"] * 3 + ["maybe", "false", "false"]})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    _, sizes, rows = read(
        open_incoming(tmp_path / "rows.csv", TableForm({"code": False, "flag": False}), None, False, MODEL)
    )
    assert sizes == [3, 3]
    pd.testing.assert_frame_equal(pd.concat(rows), frame)


def test_what_training_reads_as_an_empty_cell_is_one_here_too(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("alcohol,strength\n1,NA\n")
    with pytest.raises(UserError, match=r"row 1 below the header, column strength is empty: takes text$"):
        read(open_incoming(tmp_path / "rows.csv", WINES, None, False, MODEL))


def test_pictures_are_found_however_deep(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (4, 28, 28), dtype=np.uint8)
    for place, name in enumerate(["b.png", "a/c.PNG", "a/b/d.bmp", "e.gif"]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[place]).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("of the pictures")
    found = open_incoming(tmp_path, DIGITS, None, False, MODEL)
    names, _, rows = read(found)
    assert (found.label, found.total, found.left_out) == ("file", 4, 1)
    assert names == ["a/b/d.bmp", "a/c.PNG", "b.png", "e.gif"]
    np.testing.assert_array_equal(np.concatenate(rows), pixels[[2, 1, 0, 3]].reshape(4, 784))


def test_one_picture_is_enough(tmp_path: Path) -> None:
    Image.new("L", (90, 90), 7).save(tmp_path / "it.png")
    names, _, _ = read(open_incoming(tmp_path / "it.png", DIGITS, None, False, MODEL))
    assert names == ["it.png"]


def write_some(folder: Path) -> None:
    np.savez(folder / "two.npz", x_train=np.zeros((1, 784), np.uint8), x_test=np.zeros((1, 784), np.uint8))
    np.savez(folder / "labels.npz", y_test=np.zeros(3))
    np.savez(folder / "short.npz", x=np.zeros((1, 783), np.uint8))
    np.savez(folder / "text.npz", x=np.array([["a"]]))
    np.savez(folder / "pickled.npz", x=np.array([{}], dtype=object))
    np.savez(folder / "columns.npz", x=np.asfortranarray(np.zeros((5, 784), np.uint8)))
    np.savez(folder / "nan.npz", x=np.full((5, 4), np.nan))
    (folder / "no.npz").write_text("no npz")
    whole = (folder / "short.npz").read_bytes()
    (folder / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (folder / "gap.csv").write_text("alcohol,strength\n1,a\n2,b\n3,c\n4,d\n,e\n")
    (folder / "word.csv").write_text("alcohol,strength\n1,a\n2,b\n3,c\n4,d\nfive,e\n")
    (folder / "huge.csv").write_text(f"alcohol,strength\n1,a\n{'9' * 401},b\n")
    (folder / "narrow.csv").write_text("alcohol\n1\n")
    (folder / "wide.csv").write_text("alcohol,strength\n1,a\n1,2,3,4\n")
    (folder / "long.csv").write_text("alcohol,strength\n1,2,a\n")
    (folder / "empty.csv").write_text("")
    (folder / "head.csv").write_text("alcohol,strength\n")
    (folder / "no.png").write_text("no picture")
    (folder / "rows.txt").write_text("1 2 3")
    (folder / "bare").mkdir()


PICTURES = (
    f"{MODEL}, takes arrays (.npz), a picture or a folder of pictures, of raw pixels, whole numbers from 0 to 255"
)


@pytest.mark.parametrize(
    ("name", "form", "array", "centred", "message"),
    [
        ("nothing", DIGITS, None, False, "in={}: there is no such file or folder"),
        ("rows.txt", DIGITS, None, False, f"in={{}}: {PICTURES}"),
        ("gap.csv", DIGITS, None, False, f"in={{}}: {PICTURES}"),
        (
            "two.npz",
            WINES,
            None,
            False,
            f"in={{}}: {MODEL}, takes a table (.csv), of the columns alcohol, strength; model= takes another",
        ),
        (
            "bare",
            NUMBERS,
            None,
            False,
            f"in={{}}: {MODEL}, takes arrays (.npz), of finite numbers of shape (N, 4)",
        ),
        ("bare", DIGITS, None, False, "in={}: has no picture (.png, .jpg, .jpeg, .webp, .bmp, .gif)"),
        ("two.npz", DIGITS, None, False, "array=: which one of {}? It has x_train, x_test; add array=NAME"),
        ("labels.npz", DIGITS, None, False, "array=: which one of {}? It has y_test; add array=NAME"),
        ("two.npz", DIGITS, "x", False, "array=x: {} has x_train, x_test"),
        ("gap.csv", WINES, "x", False, "array=x: is of a .npz, and in={} is none; leave it out"),
        ("gap.csv", WINES, None, True, "centred=true: is of pictures, and in={} is none; leave it out"),
        ("short.npz", DIGITS, None, False, "in={}: x: has shape (1, 783); takes raw pixels"),
        ("text.npz", DIGITS, None, False, "in={}: x has dtype <U1: takes numbers"),
        ("pickled.npz", DIGITS, None, False, "in={}: x has dtype object, which is pickled"),
        ("columns.npz", DIGITS, None, False, "in={}: x lies column by column; save numpy.ascontiguousarray(x)"),
        ("nan.npz", NUMBERS, None, False, "in={}: x: holds NaN or an infinite number; takes finite numbers"),
        ("no.npz", DIGITS, None, False, "in={}: is no npz file, or is damaged ("),
        ("cut.npz", DIGITS, None, False, "in={}: is no npz file, or is damaged ("),
        (
            "gap.csv",
            WINES,
            None,
            False,
            "in={}: row 5 below the header, column alcohol is empty: takes a finite number",
        ),
        (
            "word.csv",
            WINES,
            None,
            False,
            "in={}: row 5 below the header, column alcohol is 'five': takes a finite number",
        ),
        ("huge.csv", WINES, None, False, "in={}: row 2 below the header, column alcohol is 99999999"),
        ("narrow.csv", WINES, None, False, "in={}: lacks the column strength; takes rows with the columns"),
        (
            "wide.csv",
            WINES,
            None,
            False,
            "in={}: cannot be read as a table (Expected 2 fields in line 3, saw 4): cells are",
        ),
        ("long.csv", WINES, None, False, "in={}: its rows have more cells than its first line has names"),
        ("empty.csv", WINES, None, False, "in={}: is empty; its first line takes the names of the columns"),
        ("head.csv", WINES, None, False, "in={}: holds no rows; takes rows with the columns alcohol, strength"),
        ("no.png", DIGITS, None, False, "in={}: is no picture, or is damaged; takes PNG, JPEG, WEBP, BMP, GIF"),
    ],
)
def test_what_the_model_does_not_take_is_one_message(
    tmp_path: Path, name: str, form: ArrayForm | TableForm, array: str | None, centred: bool, message: str
) -> None:
    write_some(tmp_path)
    with pytest.raises(UserError) as raised:
        read(open_incoming(tmp_path / name, form, array, centred, MODEL))
    assert str(raised.value).startswith(message.format(tmp_path / name))
    assert "\n" not in str(raised.value)


def test_a_picture_in_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.png").write_text("no picture")
    with pytest.raises(UserError) as raised:
        read(open_incoming(tmp_path, DIGITS, None, False, MODEL))
    assert str(raised.value).startswith(f"in={tmp_path}: a/b.png: is no picture, or is damaged")


def test_a_file_has_the_class_and_its_probability_to_the_last_digit(
    tmp_path: Path, loaded: Callable[..., LoadedModel]
) -> None:
    model, rows = loaded("numbers"), RNG.normal(size=(5, 4)).astype(np.float32)
    answers = model.predict(rows)
    with prediction_file(tmp_path / "out.csv", "row", [str(name) for name in model.classes]) as file:
        file.add(range(5), answers)
        assert not (tmp_path / "out.csv").exists()
    found = pd.read_csv(
        tmp_path / "out.csv", dtype={"probability": str} | {f"probability of {name}": str for name in model.classes}
    )
    assert list(found) == ["row", "class", "probability", "probability of setosa", "probability of virginica"]
    assert found["class"].tolist() == answers["class"].tolist()
    for place, shares in enumerate(answers["probabilities"]):
        assert [float(text) for text in found.iloc[place, 3:]] == list(shares.values())
        assert float(found["probability"][place]) == max(shares.values())
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_a_file_that_cannot_be_finished_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), prediction_file(tmp_path / "out.csv", "row", []):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("there.csv", "exists already; remove it, or choose another name"),
        ("no/out.csv", "cannot be written (No such file or directory); choose another place, or free space"),
        ("there.csv/out.csv", "cannot be written (Not a directory); choose another place, or free space"),
    ],
)
def test_a_place_that_takes_no_file_is_one_message(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "there.csv").write_text("mine")
    with pytest.raises(UserError) as raised, prediction_file(tmp_path / name, "row", []):
        pass
    assert str(raised.value) == f"out={tmp_path / name}: {message}"
    assert (tmp_path / "there.csv").read_text() == "mine"

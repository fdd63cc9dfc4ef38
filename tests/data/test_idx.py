"""A damaged file is named in an error before any training."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlplab.data import idx
from mlplab.data.catalog import CATALOG, IdxSource, owner_of_checksum
from mlplab.data.idx import IdxFile
from mlplab.errors import DataError

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = NAMES = (
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
)  # fmt: skip
SHAPES = [(30, 28, 28), (30,), (10, 28, 28), (10,)]
UNPUBLISHED = [IdxFile(name, shape) for name, shape in zip(NAMES, SHAPES, strict=True)]


def swap_train_and_test_labels(folder: Path) -> None:
    (folder / TRAIN_LABELS).rename(folder / "other")
    (folder / TEST_LABELS).rename(folder / TRAIN_LABELS)
    (folder / "other").rename(folder / TEST_LABELS)


def truncate(folder: Path) -> None:
    content = (folder / TEST_IMAGES).read_bytes()
    (folder / TEST_IMAGES).write_bytes(content[:-1])


def change_one_pixel(folder: Path) -> None:
    content = bytearray((folder / TEST_IMAGES).read_bytes())
    content[5_000] ^= 1
    (folder / TEST_IMAGES).write_bytes(content)


def change_the_magic_number(folder: Path) -> None:
    content = bytearray((folder / TEST_LABELS).read_bytes())
    content[3] = 3
    (folder / TEST_LABELS).write_bytes(content)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with four small files in the layout of MNIST."""
    rng = np.random.default_rng(0)
    for file in UNPUBLISHED:
        (tmp_path / file.name).write_bytes(file.header + rng.integers(0, 10, file.shape, dtype=np.uint8).tobytes())
    return tmp_path


def published(folder: Path) -> list[IdxFile]:
    """The expected files, with the checksums that the files have now."""
    return [replace(file, md5=idx.md5_of((folder / file.name).read_bytes())) for file in UNPUBLISHED]


def nobodys(_: str) -> None:
    return None


def test_the_real_files_are_read_whole(mnist_root: Path) -> None:
    contents = CATALOG["mnist"].read(mnist_root)
    assert contents.train.pixels.shape == (60_000, 784)
    assert contents.test.pixels.shape == (10_000, 784)
    assert np.bincount(contents.train.labels).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert contents.test.labels[:5].tolist() == [7, 2, 1, 0, 4]


@pytest.mark.parametrize(
    ("damage", "named", "reason"),
    [
        (truncate, TEST_IMAGES, "7,855 bytes long instead of 7,856: truncated"),
        (change_one_pixel, TEST_IMAGES, "its content was changed"),
        (change_the_magic_number, TEST_LABELS, "magic number 2051"),
        (swap_train_and_test_labels, TRAIN_LABELS, "18 bytes long instead of 38"),
    ],
)
def test_damage_is_named_with_its_file(folder: Path, damage: Callable[[Path], None], named: str, reason: str) -> None:
    files = published(folder)
    arrays = idx.read("mnist", folder, files, nobodys)
    assert [array.shape for array in arrays] == SHAPES
    damage(folder)
    with pytest.raises(DataError) as caught:
        idx.read("mnist", folder, files, nobodys)
    assert f"{folder / named}: " in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize("has_checksums", [True, False])
def test_another_data_set_of_the_same_shape_is_recognised(folder: Path, has_checksums: bool) -> None:
    files = [replace(file, md5="0" * 32) for file in UNPUBLISHED] if has_checksums else UNPUBLISHED
    with pytest.raises(DataError, match=f"{TRAIN_IMAGES}: MD5 .* it belongs to mnist"):
        idx.read("kmnist", folder, files, lambda _: "mnist")


def test_the_catalog_finds_the_owner_of_a_checksum() -> None:
    mnist = CATALOG["mnist"]
    assert isinstance(mnist, IdxSource)
    assert [owner_of_checksum(str(file.md5)) for file in mnist.files] == ["mnist"] * 4
    assert owner_of_checksum("0" * 32) is None


def test_checksums_noted_at_acquisition_hold_from_then_on(folder: Path) -> None:
    idx.note_checksums(folder)
    assert len(idx.read("kmnist", folder, UNPUBLISHED, nobodys)) == 4
    change_one_pixel(folder)
    with pytest.raises(DataError, match=f"{TEST_IMAGES}: MD5"):
        idx.read("kmnist", folder, UNPUBLISHED, nobodys)


def test_files_without_any_checksum_are_used_with_a_warning(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert len(idx.read("kmnist", folder, UNPUBLISHED, nobodys)) == 4
    assert "only sizes and headers are verified" in caplog.text


def put_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def put_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.timeout(20)  # reading a pipe would wait for ever
@pytest.mark.parametrize(
    ("put", "reason"), [(put_a_folder, "Is a directory"), (put_a_pipe, "is no regular file"), (Path.unlink, "No such")]
)
@pytest.mark.parametrize("name", [TRAIN_IMAGES, idx.CHECKSUMS_FILE])
def test_something_else_in_place_of_a_file_is_named(
    folder: Path, put: Callable[[Path], None], reason: str, name: str
) -> None:
    idx.note_checksums(folder)
    put(folder / name)
    if not (folder / name).exists() and name == idx.CHECKSUMS_FILE:
        return  # it may be missing
    with pytest.raises(DataError, match=f"^{folder / name}: cannot be read .{reason}"):
        idx.read("kmnist", folder, UNPUBLISHED, nobodys)

"""A damaged file is caught, and named, before anything is trained on it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mlplab.data import idx
from mlplab.errors import DataError

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = (file.name for file in idx.FILES)


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
def folder(mnist_root: Path, tmp_path: Path) -> Path:
    """A copy of the real files."""
    for file in idx.FILES:
        shutil.copy(mnist_root / "MNIST" / "raw" / file.name, tmp_path)
        (tmp_path / file.name).chmod(0o644)
    return tmp_path


def test_real_files_are_read_whole(folder: Path) -> None:
    images, labels, test_images, test_labels = idx.read("mnist", folder)
    assert images.shape == (60_000, 28, 28)
    assert test_images.shape == (10_000, 28, 28)
    assert np.bincount(labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert test_labels[:5].tolist() == [7, 2, 1, 0, 4]


@pytest.mark.parametrize(
    ("damage", "named", "reason"),
    [
        (truncate, TEST_IMAGES, "7,840,015 bytes long instead of 7,840,016: truncated"),
        (change_one_pixel, TEST_IMAGES, "its content was changed"),
        (change_the_magic_number, TEST_LABELS, "magic number 2051"),
        (swap_train_and_test_labels, TRAIN_LABELS, "10,008 bytes long instead of 60,008"),
    ],
)
def test_damage_is_named_with_its_file(folder: Path, damage: Callable[[Path], None], named: str, reason: str) -> None:
    damage(folder)
    with pytest.raises(DataError) as caught:
        idx.read("mnist", folder)
    assert f"{folder / named}: " in str(caught.value)
    assert reason in str(caught.value)


def test_another_data_set_of_the_same_shape_is_recognised(folder: Path) -> None:
    with pytest.raises(DataError, match=f"{TRAIN_IMAGES}: MD5 .* it belongs to mnist"):
        idx.read("fashion_mnist", folder)


def test_checksums_noted_at_acquisition_hold_from_then_on(folder: Path) -> None:
    idx.write_checksums(folder)
    assert len(idx.read("kmnist", folder)) == 4
    change_one_pixel(folder)
    with pytest.raises(DataError, match=f"{TEST_IMAGES}: MD5"):
        idx.read("kmnist", folder)

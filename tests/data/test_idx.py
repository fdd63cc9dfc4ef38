"""A damaged file is caught, and named, before anything is trained on it."""

from collections.abc import Callable
from dataclasses import replace
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
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four small files that pass for MNIST."""
    rng = np.random.default_rng(0)
    small = tuple(
        replace(file, shape=(rows, *file.shape[1:])) for file, rows in zip(idx.FILES, (30, 30, 10, 10), strict=True)
    )
    for file in small:
        (tmp_path / file.name).write_bytes(file.header + rng.integers(0, 10, file.shape, dtype=np.uint8).tobytes())
    monkeypatch.setattr(idx, "FILES", small)
    checksums = tuple(idx._md5((tmp_path / file.name).read_bytes()) for file in small)
    monkeypatch.setitem(idx.PUBLISHED_MD5, "mnist", checksums)
    return tmp_path


def test_the_real_files_are_read_whole(mnist_root: Path) -> None:
    images, labels, test_images, test_labels = idx.read("mnist", mnist_root / "MNIST" / "raw")
    assert images.shape == (60_000, 28, 28)
    assert test_images.shape == (10_000, 28, 28)
    assert np.bincount(labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert test_labels[:5].tolist() == [7, 2, 1, 0, 4]


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
    assert len(idx.read("mnist", folder)) == 4
    damage(folder)
    with pytest.raises(DataError) as caught:
        idx.read("mnist", folder)
    assert f"{folder / named}: " in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize("other", ["fashion_mnist", "kmnist"])
def test_another_data_set_of_the_same_shape_is_recognised(folder: Path, other: str) -> None:
    with pytest.raises(DataError, match=f"{TRAIN_IMAGES}: MD5 .* it belongs to mnist"):
        idx.read(other, folder)


def test_checksums_noted_at_acquisition_hold_from_then_on(folder: Path) -> None:
    change_one_pixel(folder)  # so that they are not those of MNIST
    for name in (TRAIN_IMAGES, TRAIN_LABELS, TEST_LABELS):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:-1] + b"\x09" if content[-1] != 9 else content[:-1] + b"\x08")
    idx.write_checksums(folder)
    assert len(idx.read("kmnist", folder)) == 4
    change_one_pixel(folder)
    with pytest.raises(DataError, match=f"{TEST_IMAGES}: MD5"):
        idx.read("kmnist", folder)


def test_files_placed_by_hand_without_published_checksums_are_used_and_it_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(idx.PUBLISHED_MD5, "mnist")
    assert len(idx.read("kmnist", folder)) == 4
    assert "only sizes and headers are verified" in caplog.text

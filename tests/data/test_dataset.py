"""Splits are drawn by seed, disjoint, and scaled by the training split alone; the digest covers every pixel."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlplab import data
from mlplab.config import TrainConfig
from mlplab.data.acquire import DataUnavailableError
from mlplab.data.catalog import CATALOG, Digits, IdxSource
from mlplab.data.source import Contents
from mlplab.data_config import DataConfig, DataName
from mlplab.errors import ConfigError, DataError

DIGITS = DataConfig(name=DataName.digits, root="unused", train_size=None, val_size=0, standardize=False)


def load(config: DataConfig = DIGITS, seed: int = 0, **changes: object) -> data.Dataset:
    return data.load(replace(config, **changes), np.random.default_rng(seed), "float64")  # type: ignore[arg-type]


def rows(split: data.Split) -> set[bytes]:
    return {row.tobytes() for row in split.images}


def test_digits_are_scaled_to_the_unit_interval() -> None:
    dataset = load()
    assert (dataset.name, dataset.inputs, dataset.classes) == ("digits", 64, 10)
    assert (len(dataset.train), len(dataset.test), dataset.val) == (1_437, 360, None)
    assert (dataset.train.images.min(), dataset.train.images.max()) == (0, 1)
    assert dataset.train.labels.dtype == np.int64


def test_splits_have_the_sizes_asked_for_and_share_no_row() -> None:
    dataset = load(train_size=800, val_size=400)
    assert dataset.val is not None
    assert (len(dataset.train), len(dataset.val), len(dataset.test)) == (800, 400, 360)
    assert not rows(dataset.train) & rows(dataset.val)


def test_the_seed_draws_the_splits_and_leaves_the_test_set_alone() -> None:
    one, same, other = load(val_size=400), load(val_size=400), load(val_size=400, seed=1)
    np.testing.assert_array_equal(one.train.images, same.train.images)
    assert one.digest == same.digest
    assert one.digest != other.digest
    assert rows(one.train) != rows(other.train)
    np.testing.assert_array_equal(one.test.images, other.test.images)


def test_without_train_size_training_takes_all_that_validation_leaves() -> None:
    assert len(load(val_size=437).train) == 1_000


@pytest.mark.parametrize(
    ("sizes", "said", "fitting"),
    [
        ({"train_size": 1_438}, "data.train_size=1438", {"train_size": 1_437}),
        ({"train_size": 1_000, "val_size": 438}, "data.train_size=1000, data.val_size=438", {"train_size": 999}),
        ({"train_size": 1_000, "val_size": 9_999}, "data.train_size=1000, data.val_size=9999", {"val_size": 287}),
        ({"val_size": 1_437}, "data.val_size=1437", {"val_size": 287}),
    ],
)  # fmt: skip
def test_more_images_than_there_are_is_refused_with_sizes_that_fit(
    sizes: dict[str, int], said: str, fitting: dict[str, int]
) -> None:
    with pytest.raises(ConfigError) as refused:
        load(**sizes)
    remedy = ", ".join(f"data.{key}={size}" for key, size in fitting.items())
    assert str(refused.value) == (
        f"{said}: the training set has 1,437 rows, of which training needs at least 1; {remedy} would fit"
    )
    load(**sizes | fitting)


def test_standardizing_uses_mean_and_deviation_of_the_training_split_alone() -> None:
    plain, standardized = load(val_size=700), load(val_size=700, standardize=True)
    mean, std = plain.train.images.mean(), plain.train.images.std()
    assert standardized.scaling.mean == pytest.approx(mean)
    assert standardized.scaling.std == pytest.approx(std)
    np.testing.assert_allclose(standardized.test.images, (plain.test.images - mean) / std, atol=1e-12)
    assert standardized.train.images.mean() == pytest.approx(0, abs=1e-12)
    assert standardized.train.images.std() == pytest.approx(1)


def test_one_pixel_changes_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = load().digest
    contents = CATALOG["digits"].read(Path())
    contents.test.pixels[3, 5] ^= 1
    monkeypatch.setattr(Digits, "read", lambda *_: contents)
    assert load().digest != before
    assert len(before) <= 36  # the most that MLflow stores


def test_auto_falls_back_only_where_mnist_is_unavailable_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unavailable(source: IdxSource, root: Path) -> Contents:
        raise DataUnavailableError(f"{source.name} is not in {root}")

    monkeypatch.setattr(IdxSource, "read", unavailable)
    with caplog.at_level(logging.WARNING):
        assert load(name=DataName.auto, root=str(tmp_path)).name == "digits"
    assert "FALLING BACK to data=digits" in caplog.text
    with pytest.raises(DataUnavailableError):
        load(name=DataName.mnist, root=str(tmp_path))


def test_auto_does_not_hide_a_damaged_file(tmp_path: Path) -> None:
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    mnist = CATALOG["mnist"]
    assert isinstance(mnist, IdxSource)
    for file in mnist.files:
        (folder / file.name).write_bytes(b"not it")
    with pytest.raises(DataError, match="train-images-idx3-ubyte: 6 bytes long"):
        load(name=DataName.auto, root=str(tmp_path))


def test_every_entry_of_the_catalog_describes_its_images() -> None:
    for name, source in CATALOG.items():
        assert source.classes > 1, name
        assert len(source.image_shape) in (2, 3), name
        assert source.origin(Path("/data"))[0] in ("local", "code"), name


def test_test_images_have_their_shape_and_unknown_data_sets_have_none(tmp_path: Path) -> None:
    images_and_labels = data.test_images("digits", str(tmp_path))
    assert images_and_labels is not None
    assert images_and_labels[0].shape == (360, 8, 8)
    assert data.test_images("mnist", str(tmp_path)) is None
    assert data.test_images("somebody's own", str(tmp_path)) is None


def test_real_mnist_by_default(mnist_root: Path, settings: Callable[..., TrainConfig]) -> None:
    dataset = data.load(settings(f"data.root={mnist_root}").data, np.random.default_rng(0), "float32")
    assert (dataset.name, len(dataset.train), len(dataset.test), dataset.inputs) == ("mnist", 60_000, 10_000, 784)
    assert dataset.train.images.dtype == np.float32
    assert (dataset.train.images.min(), dataset.train.images.max()) == (0, 1)


@pytest.mark.parametrize("root", ["x" * 300, "~nobody-of-this-name/data", "/tmp/" + "y/" * 3000])
def test_a_root_that_cannot_be_a_folder_is_named(root: str) -> None:
    for use in (data.is_at_hand, load):
        with pytest.raises(DataError, match=f"^data.root={root}: cannot be a folder"):
            use(replace(DIGITS, name=DataName.mnist, root=root))

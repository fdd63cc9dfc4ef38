"""Tests that every engine must pass."""

from collections.abc import Callable

import numpy as np
import pytest

from mlplab import engines
from mlplab.config import Optimizer, TrainConfig
from mlplab.data import Dataset, Scaling, Split
from mlplab.engines import ENGINES, Engine
from mlplab.engines.base import EVALUATION_ROWS
from mlplab.errors import ConfigError
from mlplab.training.loop import Training
from mlplab.training.schedule import Schedule

OPTIONS = ["hidden_sizes=[16,12]", "batch_size=32", "activation=tanh", "device=cpu"]

Settings = Callable[..., TrainConfig]


def build(settings: Settings, dataset: Dataset, *overrides: str) -> Engine:
    return engines.build(settings(*OPTIONS, "dtype=float64", *overrides), dataset, np.random.default_rng(1))


def batches(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 300, 32) for _ in range(count)]


@pytest.mark.parametrize("optimizer", Optimizer)
@pytest.mark.parametrize("engine", ENGINES)
def test_restored_state_continues_bit_by_bit(
    settings: Settings, small_dataset: Dataset, engine: str, optimizer: str
) -> None:
    overrides = f"engine={engine}", f"optimizer={optimizer}", "weight_decay=0.01"
    undisturbed, resumed = (build(settings, small_dataset, *overrides) for _ in range(2))
    window = batches(20)
    undisturbed.train_window(window[:10], [0.05] * 10)
    state = undisturbed.state()
    expected = undisturbed.train_window(window[10:], [0.05] * 10)
    resumed.restore(state)
    np.testing.assert_array_equal(resumed.train_window(window[10:], [0.05] * 10), expected)
    for one, other in zip(undisturbed.layers(), resumed.layers(), strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_run_twice_is_bit_identical(settings: Settings, small_dataset: Dataset, engine: str) -> None:
    losses = [
        build(settings, small_dataset, f"engine={engine}").train_window(batches(50), [0.1] * 50) for _ in range(2)
    ]
    np.testing.assert_array_equal(losses[0], losses[1])


@pytest.mark.parametrize("engine", ENGINES)
def test_evaluation_counts_every_row_of_an_uneven_split(settings: Settings, engine: str) -> None:
    rng = np.random.default_rng(0)
    rows = EVALUATION_ROWS + 3
    split = Split(rng.normal(size=(rows, 20)), rng.integers(0, 5, rows))
    dataset = Dataset("uneven", "digest", ("local", {}), Scaling(1.0), 5, split, split, None)
    bound = build(settings, dataset, f"engine={engine}")
    evaluation = bound.evaluate("test")

    activation = split.images
    *hidden, (weights, biases) = bound.layers()
    for W, b in hidden:
        activation = np.tanh(activation @ W + b)
    logits = activation @ weights + biases
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(rows), split.labels]
    assert evaluation.loss == pytest.approx(losses.mean(), rel=1e-10)
    np.testing.assert_array_equal(evaluation.predictions, logits.argmax(axis=1))
    assert evaluation.accuracy == (logits.argmax(axis=1) == split.labels).mean()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_loss_falls_in_float32_too(settings: Settings, small_dataset: Dataset, engine: str) -> None:
    def single(split: Split) -> Split:
        return Split(split.images.astype(np.float32), split.labels)

    dataset = Dataset(
        "f32", "digest", ("local", {}), Scaling(1.0), 5, single(small_dataset.train), single(small_dataset.test), None
    )
    chosen = settings(*OPTIONS, f"engine={engine}", "optimizer=adam", "learning_rate=0.01", "epochs=30")
    bound = engines.build(chosen, dataset, np.random.default_rng(1))
    before = bound.evaluate("train").loss
    schedule = Schedule.plan(chosen, 300)
    training = Training(bound, schedule, np.random.default_rng(2), 100, [])
    while not training.done:
        training.advance()
    assert bound.evaluate("train").loss < before / 2
    assert bound.layers()[0][0].dtype == np.float32


def test_an_absent_device_is_refused_by_name(settings: Settings, small_dataset: Dataset) -> None:
    import torch

    if torch.backends.mps.is_available():
        pytest.skip("this machine has the device")
    with pytest.raises(ConfigError, match=r"device=mps: this machine has only .*cpu"):
        engines.build(settings("engine=torch", "device=mps"), small_dataset, np.random.default_rng(0))

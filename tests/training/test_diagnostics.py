"""Diagnostics have the right values, and do not change training."""

from collections.abc import Callable

import numpy as np
import pytest

from mlplab import engines
from mlplab.config import Activation, Engine, Optimizer, TrainConfig
from mlplab.data import Dataset
from mlplab.engines.base import Probe
from mlplab.training.diagnostics import measure
from mlplab.training.loop import Report, Training
from mlplab.training.schedule import Schedule


def layer(*rows: list[float]) -> np.ndarray:
    return np.array(rows)


def shares(activation: Activation, *rows: list[float]) -> float:
    """Return the share of unresponsive units of one hidden layer with these activations, one row per image."""
    nothing = [layer([0.0])]
    metrics = measure(activation, Probe([np.zeros((1, 1))], [np.array(rows)]), nothing, nothing)
    (share,) = (metrics[key] for key in metrics if key in ("within/layer_1_saturated", "within/layer_1_dead"))
    return share


def test_the_gradient_norm_is_the_frobenius_norm() -> None:
    metrics = measure(
        Activation.linear, Probe([np.array([[3.0, 0.0], [0.0, 4.0]])], []), [layer([1.0])], [layer([1.0])]
    )
    assert metrics == {"within/layer_1_gradient_norm": 5.0, "within/layer_1_update_ratio": 0.0}


def test_the_update_ratio_is_relative_to_the_weights_before_it() -> None:
    metrics = measure(Activation.linear, Probe([np.zeros((1, 2))], []), [layer([3.0, 4.0])], [layer([3.5, 4.0])])
    assert metrics["within/layer_1_update_ratio"] == pytest.approx(0.1)


def test_zero_weights_have_a_finite_update_ratio() -> None:
    metrics = measure(Activation.linear, Probe([np.zeros((1, 1))], []), [layer([0.0])], [layer([2.0])])
    assert metrics["within/layer_1_update_ratio"] == 2.0


def test_sigmoid_is_saturated_where_its_derivative_has_nearly_vanished() -> None:
    assert shares(Activation.sigmoid, [0.001, 0.999, 0.5, 0.1]) == 0.5


def test_tanh_is_saturated_where_its_derivative_has_nearly_vanished() -> None:
    assert shares(Activation.tanh, [-0.99, 0.0], [0.9, 0.5]) == 0.25


def test_a_relu_is_dead_if_it_is_zero_for_every_row_of_the_batch() -> None:
    assert shares(Activation.relu, [0.0, 0.0, 1.0, 0.0], [0.0, 2.0, 1.0, 0.0]) == 0.5


def trained(
    settings: TrainConfig, dataset: Dataset, diagnosed: Activation | None
) -> tuple[list[Report], dict[str, np.ndarray]]:
    engine = engines.build(settings, dataset, np.random.default_rng(1))
    schedule = Schedule.plan(settings, len(dataset.train))
    training = Training(engine, schedule, np.random.default_rng(2), settings.log_every, ["test"], diagnosed)
    reports = []
    while not training.done:
        reports.append(training.advance())
    return reports, engine.state()


@pytest.mark.parametrize("optimizer", Optimizer)
@pytest.mark.parametrize("engine", Engine)
@pytest.mark.parametrize("log_every", [1, 10])
def test_diagnostics_do_not_change_training(
    settings: Callable[..., TrainConfig], small_dataset: Dataset, engine: str, optimizer: str, log_every: int
) -> None:
    config = settings(
        f"engine={engine}",
        f"optimizer={optimizer}",
        f"log_every={log_every}",
        "hidden_sizes=[8,6]",
        "iterations=30",
        "dtype=float64",
    )
    (plain, plain_state), (watched, watched_state) = (
        trained(config, small_dataset, diagnosed) for diagnosed in (None, config.activation)
    )
    for one, other in zip(plain, watched, strict=True):
        assert one.metrics.items() <= other.metrics.items()
        assert len(other.metrics) - len(one.metrics) == (3 * 2 + 2 if one.metrics else 0)
    for name, array in plain_state.items():
        np.testing.assert_array_equal(array, watched_state[name])


@pytest.mark.parametrize("engine", Engine)
def test_with_gradient_descent_the_update_is_the_gradient_times_the_learning_rate(
    settings: Callable[..., TrainConfig], small_dataset: Dataset, engine: str
) -> None:
    config = settings(
        f"engine={engine}", "learning_rate=0.25", "hidden_sizes=[8]", "iterations=1", "log_every=1", "dtype=float64"
    )
    start = engines.build(config, small_dataset, np.random.default_rng(1)).layers()
    (report,), _ = trained(config, small_dataset, config.activation)
    for number, (W_IO, _) in enumerate(start, start=1):
        expected = 0.25 * report.metrics[f"within/layer_{number}_gradient_norm"] / np.linalg.norm(W_IO)
        assert report.metrics[f"within/layer_{number}_update_ratio"] == pytest.approx(expected, rel=1e-9)

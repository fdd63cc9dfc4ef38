"""A NumPy run and a torch run of the same config have the same start, batches, and numbers, to 1e-9."""

from collections.abc import Callable

import numpy as np
import pytest

from mlplab import engines
from mlplab.config import Activation, Loss, Optimizer, Penalty, TrainConfig
from mlplab.data import Dataset
from mlplab.engines import Engine
from mlplab.training.loop import Training
from mlplab.training.schedule import Schedule

ITERATIONS = 200


def trained(settings: TrainConfig, dataset: Dataset) -> tuple[Engine, np.ndarray]:
    engine = engines.build(settings, dataset, np.random.default_rng(1))
    schedule = Schedule.plan(settings, len(dataset.train))
    training = Training(engine, schedule, np.random.default_rng(2), settings.log_every, ["test"], settings.activation)
    points = []
    while not training.done:
        if metrics := training.advance().metrics:
            points.append(list(metrics.values()))
    return engine, np.array(points)


# Every activation with every loss, and every optimizer with every penalty: what meets in the code.
CASES = [
    *((activation, loss, Optimizer.momentum, Penalty.l2) for activation in Activation for loss in Loss),
    *((Activation.tanh, Loss.cross_entropy, optimizer, penalty) for optimizer in Optimizer for penalty in Penalty),
]


@pytest.mark.parametrize(("activation", "loss", "optimizer", "penalty"), CASES)
def test_both_engines_train_alike(
    settings: Callable[..., TrainConfig],
    small_dataset: Dataset,
    activation: Activation,
    loss: Loss,
    optimizer: Optimizer,
    penalty: Penalty,
) -> None:
    overrides = [
        f"activation={activation}", f"optimizer={optimizer}", f"penalty={penalty}", f"loss={loss}",
        "weight_decay=0.01", "learning_rate=0.02", "learning_rate_decay=0.95", "batch_size=32",
        "hidden_sizes=[16,12]", "dtype=float64", f"iterations={ITERATIONS}", "log_every=10", "device=cpu",
    ]  # fmt: skip
    (scratch, scratch_points), (torch, torch_points) = (
        trained(settings(*overrides, f"engine={engine}"), small_dataset) for engine in ("numpy", "torch")
    )
    assert len(scratch_points) == ITERATIONS // 10
    np.testing.assert_allclose(torch_points, scratch_points, rtol=0, atol=1e-9)
    for ours, theirs in zip(scratch.layers(), torch.layers(), strict=True):
        for array, twin in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(twin, array, rtol=0, atol=1e-9)
    assert scratch.penalty() == pytest.approx(torch.penalty(), abs=1e-9)
    np.testing.assert_array_equal(scratch.evaluate("test").predictions, torch.evaluate("test").predictions)

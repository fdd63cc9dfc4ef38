"""On a GPU, where there is one: every network trains as on the CPU, and what is restored goes on bit by bit."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from alike import assert_alike, batches

from mlplab import engines
from mlplab.app.own_network import maker_of
from mlplab.config import Optimizer, TrainConfig
from mlplab.data import Dataset, Scaling, Split
from mlplab.engines.base import Engine

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")

NETWORKS = {
    "mlp": ("hidden_sizes=[40,20]",),
    "cnn": ("network=cnn", "network.dropout=0"),
    "with dropout and batch norm": ("network._target_=own_networks.Normed",),
}
DRAWS_NOTHING = ["mlp", "cnn"]  # the generators of a CPU and a GPU differ
Build = Callable[..., Engine]


def images_of(dtype: str) -> Dataset:
    """Return 200 rows to train on and 70 to test on, each an image of 6 x 5 pixels in colour, of 4 classes."""
    rng = np.random.default_rng(7)

    def split(rows: int) -> Split:
        return Split(rng.normal(size=(rows, 90)).astype(dtype), rng.integers(0, 4, rows))

    return Dataset("images", "digest", ("local", {}), Scaling(1.0), 4, split(200), split(70), None, (6, 5, 3))


@pytest.fixture
def build(settings: Callable[..., TrainConfig]) -> Build:
    def bound(network: str, *overrides: str, device: str = "cuda", dtype: str = "float64") -> Engine:
        common = ("engine=torch", f"device={device}", f"dtype={dtype}", "batch_size=32")
        chosen = settings(*common, *NETWORKS[network], *overrides)
        images = images_of(dtype)
        own = engines.make_own(chosen, images, None if chosen.has_mlp else maker_of(chosen.network))
        return engines.build(chosen, images, np.random.default_rng(0), own)

    return bound


@pytest.mark.parametrize("network", DRAWS_NOTHING)
@pytest.mark.parametrize("optimizer", Optimizer)
def test_it_trains_as_on_the_cpu(build: Build, network: str, optimizer: Optimizer) -> None:
    on_gpu, on_cpu = (build(network, f"optimizer={optimizer}", device=device) for device in ("cuda", "cpu"))
    assert on_gpu.device == "cuda"
    window = batches(12)
    losses = [engine.train_window(window, [0.01] * 12) for engine in (on_gpu, on_cpu)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-9)
    assert on_gpu.evaluate("test").loss == pytest.approx(on_cpu.evaluate("test").loss, rel=1e-9)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("optimizer", Optimizer)
def test_restored_state_continues_bit_by_bit(build: Build, network: str, optimizer: Optimizer, dtype: str) -> None:
    chosen = (f"optimizer={optimizer}", "weight_decay=0.01")
    undisturbed, resumed = (build(network, *chosen, dtype=dtype) for _ in range(2))
    window = batches(12)
    undisturbed.train_window(window[:6], [0.01] * 6)
    state = undisturbed.state()
    expected = undisturbed.train_window(window[6:], [0.01] * 6)
    resumed.restore(state)
    np.testing.assert_array_equal(resumed.train_window(window[6:], [0.01] * 6), expected)
    assert_alike(undisturbed, resumed)


@pytest.mark.parametrize("network", NETWORKS)
def test_looking_does_not_change_training(build: Build, network: str) -> None:
    undisturbed, watched = (build(network) for _ in range(2))
    for batch in batches(5):
        undisturbed.train_window([batch], [0.01])
        watched.probe(batch)
        watched.evaluate("test")
        watched.train_window([batch], [0.01])
        watched.evaluate("train")
    assert_alike(undisturbed, watched)


def test_the_generators_of_the_process_stay_as_they_are(build: Build) -> None:
    before = torch.get_rng_state(), torch.cuda.get_rng_state()
    engine = build("with dropout and batch norm")
    engine.train_window(batches(2), [0.01] * 2)
    engine.probe(batches(1)[0])
    engine.evaluate("test")
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.equal(torch.cuda.get_rng_state(), before[1])

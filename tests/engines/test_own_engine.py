"""A network of anybody's is trained, evaluated, kept and restored exactly, and refused in one message."""

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from alike import assert_alike, batches
from own_networks import Drawing, Normed, Untrained, Wide
from torch import Tensor, nn

from mlplab import engines
from mlplab.app.own_network import maker_of
from mlplab.config import Optimizer, Penalty, TrainConfig
from mlplab.data import Dataset, Scaling, Split
from mlplab.engines.cnn import CNN
from mlplab.engines.own_engine import OwnEngine
from mlplab.engines.own_module import OwnModule, as_images, digest_of_source, make_module
from mlplab.errors import ConfigError

Settings = Callable[..., TrainConfig]
NORMED = "network._target_=own_networks.Normed"


@pytest.fixture(scope="module")
def images() -> Dataset:
    """200 rows to train on and 70 to test on, each an image of 6 x 5 pixels in colour, of 4 classes."""
    rng = np.random.default_rng(7)

    def split(rows: int) -> Split:
        return Split(rng.normal(size=(rows, 90)), rng.integers(0, 4, rows))

    return Dataset("images", "digest", ("local", {}), Scaling(1.0), 4, split(200), split(70), None, (6, 5, 3))


@pytest.fixture
def build(settings: Settings, images: Dataset) -> Callable[..., OwnEngine]:
    """A function that returns the engine of a network that has batch norm and dropout, unless another is given."""

    def bound(*overrides: str) -> OwnEngine:
        chosen = settings("engine=torch", "device=cpu", "dtype=float64", "batch_size=32", NORMED, *overrides)
        own = engines.make_own(chosen, images, maker_of(chosen.network))
        engine = engines.build(chosen, images, np.random.default_rng(0), own)
        assert isinstance(engine, OwnEngine)
        return engine

    return bound


@pytest.mark.parametrize("optimizer", Optimizer)
def test_restored_state_continues_bit_by_bit(build: Callable[..., OwnEngine], optimizer: Optimizer) -> None:
    undisturbed, resumed = (build(f"optimizer={optimizer}", "weight_decay=0.01") for _ in range(2))
    window = batches(12)
    undisturbed.train_window(window[:6], [0.01] * 6)
    state = undisturbed.state()
    expected = undisturbed.train_window(window[6:], [0.01] * 6)
    resumed.restore(state)
    np.testing.assert_array_equal(resumed.train_window(window[6:], [0.01] * 6), expected)
    assert_alike(undisturbed, resumed)


def test_the_state_has_buffers_and_what_is_drawn(build: Callable[..., OwnEngine]) -> None:
    names = set(build().state())
    assert {"buffer.layers.1.running_mean", "buffer.layers.1.num_batches_tracked", "random.cpu"} <= names


@pytest.mark.parametrize("name", ["Normed", "Drawing"])
def test_looking_does_not_change_training(build: Callable[..., OwnEngine], name: str) -> None:
    undisturbed, watched = (build(f"network._target_=own_networks.{name}") for _ in range(2))
    for batch in batches(5):
        undisturbed.train_window([batch], [0.01])
        watched.probe(batch)
        watched.evaluate("test")
        watched.train_window([batch], [0.01])
        watched.evaluate("train")
    assert_alike(undisturbed, watched)


def test_the_generators_of_the_process_stay_as_they_are(build: Callable[..., OwnEngine]) -> None:
    before = torch.get_rng_state()
    engine = build()
    engine.train_window(batches(2), [0.01] * 2)
    engine.probe(batches(1)[0])
    engine.evaluate("test")
    assert torch.equal(torch.get_rng_state(), before)


def test_initial_weights_are_those_that_the_seed_gives_anywhere(build: Callable[..., OwnEngine]) -> None:
    engine = build("seed=5")
    with torch.random.fork_rng():
        torch.manual_seed(5)
        expected = Normed(classes=4, image_shape=(3, 6, 5)).double()
    for name, tensor in expected.named_parameters():
        np.testing.assert_array_equal(engine.state()[f"parameter.{name}"], tensor.detach().numpy())


def test_a_probe_has_the_gradients_of_the_update_that_follows(build: Callable[..., OwnEngine]) -> None:
    engine, batch = build(), batches(1)[0]
    gradients, before = engine.probe(batch).gradients, engine.weights()
    engine.train_window([batch], [0.5])
    assert [gradient.shape for gradient in gradients] == [(4, 3, 3, 3), (4, 120)]
    for gradient, weight, moved in zip(gradients, before, engine.weights(), strict=True):
        np.testing.assert_allclose(moved, weight - 0.5 * gradient, atol=1e-14)


def test_an_evaluation_is_in_evaluation_mode_and_counts_every_row(
    build: Callable[..., OwnEngine], images: Dataset
) -> None:
    engine = build()
    engine.train_window(batches(8), [0.1] * 8)
    module = engine.trained()
    with torch.no_grad():
        logits = module(as_images(images.test.images, (3, 6, 5)))
    evaluation = engine.evaluate("test")
    loss = nn.functional.cross_entropy(logits, torch.from_numpy(images.test.labels))
    assert evaluation.loss == pytest.approx(float(loss), rel=1e-12)
    np.testing.assert_array_equal(evaluation.predictions, logits.argmax(dim=1))


@pytest.mark.parametrize("penalty", Penalty)
def test_a_penalty_is_on_weights_and_not_on_biases_and_norms(
    build: Callable[..., OwnEngine], penalty: Penalty
) -> None:
    engine = build(f"penalty={penalty}", "weight_decay=0.1")
    weights = engine.weights()
    assert [weight.ndim for weight in weights] == [4, 2]
    expected = {
        Penalty.none: 0.0,
        Penalty.l1: 0.1 * sum(np.abs(weight).sum() for weight in weights),
        Penalty.l2: 0.05 * sum((weight**2).sum() for weight in weights),
    }
    assert engine.penalty() == pytest.approx(expected[penalty])


def test_images_have_their_channels_first() -> None:
    image = np.arange(2 * 3 * 3).reshape(2, 3, 3)  # height, width, colours
    (first,) = as_images(image.reshape(1, -1), (3, 2, 3))
    np.testing.assert_array_equal(first.numpy(), image.transpose(2, 0, 1))


def test_rows_that_are_no_images_have_one_channel_and_height_one(small_dataset: Dataset) -> None:
    assert small_dataset.channels_first == (1, 1, 20)


@pytest.mark.parametrize("side", [4, 8, 28, 32])
def test_the_cnn_takes_images_of_any_size_from_4_pixels_on(side: int) -> None:
    network = CNN(classes=7, image_shape=(3, side, side), channels=2, hidden=5, dropout=0.5)
    assert network(torch.zeros(2, 3, side, side)).shape == (2, 7)


def test_the_cnn_refuses_smaller_ones_before_a_layer_is_made() -> None:
    with pytest.raises(ValueError, match=r"^takes images of 4 x 4 pixels or more$"):
        CNN(classes=7, image_shape=(3, 4, 3), channels=2, hidden=5, dropout=0.5)


def test_the_cnn_of_rows_that_are_no_images_is_one_message(settings: Settings, small_dataset: Dataset) -> None:
    chosen = settings("engine=torch", "device=cpu", "network=cnn", "data=csv", "data.path=a.csv", "data.label=b")
    said = "network=cnn: takes pictures, and data=csv has rows of 20 numbers; take network=mlp"
    with pytest.raises(ConfigError, match=f"^{re.escape(said)}$"):
        make_module(chosen, small_dataset, lambda **_: pytest.fail("is made"))


class Constant(nn.Module):
    """Returns what it was given, whatever it is asked."""

    def __init__(self, returned: object) -> None:
        super().__init__()
        self.weight, self.returned = nn.Parameter(torch.zeros(1)), returned

    def forward(self, _: Tensor) -> object:
        if isinstance(self.returned, Exception):
            raise self.returned
        return self.returned


FAULTS = {
    "it must be a torch.nn.Module": lambda: 3,
    "cannot be made for 4 classes and images of shape (3, 6, 5) (ValueError: too narrow); correct it": lambda: int(
        "x"
    ),
    "has no parameters to train; assign its layers to self in __init__": lambda: Untrained(4),
    "raises on images of shape (2, 3, 6, 5) (RuntimeError: sizes differ); it takes (N, channels, height, width)": (
        lambda: Constant(RuntimeError("sizes differ\nand more"))
    ),
    "returns a tuple; it must return a tensor of logits, shape (N, 4)": lambda: Constant((1, 2)),
    "shape (2, 1) for 2 images; it must return the logits of 4 classes": lambda: Constant(torch.zeros(2, 1)),
    "mlplab trains classifiers only, no regression": lambda: Constant(torch.zeros(2)),
    "returns torch.int64 of shape (2, 4)": lambda: Constant(torch.zeros(2, 4, dtype=torch.int64)),
}


@pytest.mark.parametrize("message", FAULTS)
def test_what_is_no_classifier_of_this_data_is_one_message(settings: Settings, images: Dataset, message: str) -> None:
    def make(**_: object) -> object:
        if "too narrow" in message:
            raise ValueError("too narrow")
        return FAULTS[message]()

    with pytest.raises(ConfigError, match=re.escape(message)) as raised:
        make_module(settings("engine=torch", "device=cpu", NORMED), images, make)
    assert str(raised.value).startswith("network._target_=own_networks.Normed: ")
    assert "\n" not in str(raised.value)


def test_a_class_without_a_source_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Normed, "__module__", "somewhere")
    with pytest.raises(ConfigError, match="the source of somewhere cannot be read"):
        digest_of_source("somewhere.Normed", Normed(4, (1, 4, 4)))


def test_another_source_of_the_class_or_of_a_part_is_another_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    module = nn.Sequential(Normed(4, (1, 4, 4)))
    before = digest_of_source("torch.nn.Sequential", module)
    assert digest_of_source("torch.nn.Sequential", module) == before
    monkeypatch.setattr("inspect.getsource", lambda _: "another text")
    assert digest_of_source("torch.nn.Sequential", module) != before


def test_the_numbers_of_a_network_are_counted(settings: Settings, images: Dataset) -> None:
    chosen = settings("engine=torch", "device=cpu", "dtype=float64", "network._target_=own_networks.Wide")
    own: OwnModule = make_module(chosen, images, lambda **given: Wide(**given))
    assert own.parameters == 90 * 2000 + 2000 + 2000 * 3000 + 3000 + 3000 * 4 + 4
    assert own.activations == 90 + 2 * (2000 + 3000) + 4


def test_what_draws_in_evaluation_mode_draws_the_same_each_time(settings: Settings, small_dataset: Dataset) -> None:
    chosen = settings("engine=torch", "device=cpu", "dtype=float64", "network._target_=own_networks.Drawing")
    engine = OwnEngine(chosen, small_dataset, make_module(chosen, small_dataset, lambda **given: Drawing(**given)))
    assert engine.evaluate("test").loss == engine.evaluate("test").loss

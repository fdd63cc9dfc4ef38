"""The saved model of anybody's network predicts what it predicts; one that has no graph leaves its state and code."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mlplab import engines
from mlplab.app.own_network import maker_of
from mlplab.config import TrainConfig
from mlplab.data import Dataset, Scaling, Split
from mlplab.engines.own_engine import OwnEngine
from mlplab.run.own_model import save_own_model

SCALING = Scaling(pixel_max=16.0, mean=0.3, std=0.4)
PIXELS = np.random.default_rng(1).integers(0, 17, (70, 60), dtype=np.uint8)
PREDICT = """
import sys
sys.modules["mlplab"] = sys.modules["networks_of_tests"] = None  # importing them now raises ImportError
import numpy as np
import mlflow.pyfunc
np.save(sys.argv[3], mlflow.pyfunc.load_model(sys.argv[1]).predict(np.load(sys.argv[2])))
"""
CODE = """
from math import prod
from torch import nn

class Normed(nn.Module):
    def __init__(self, classes, image_shape, width=4):
        super().__init__()
        channels, height, columns = image_shape
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.Flatten(),
            nn.Dropout(0.3), nn.Linear(width * height * columns, classes),
        )

    def forward(self, x):
        return self.layers(x)

class Undecided(nn.Module):
    def __init__(self, classes, image_shape):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(prod(image_shape), classes))

    def forward(self, x):
        logits = self.layers(x)
        return logits if float(logits.detach().sum()) > 0 else -logits

class Counted(Undecided):
    def forward(self, x):
        rows = int(x.shape[0])
        return self.layers(x) if rows != 2 else self.layers(x).roll(1, dims=1)
"""


@pytest.fixture
def trained(
    settings: Callable[..., TrainConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], tuple[OwnEngine, Dataset, TrainConfig]]:
    """A function that trains a network of this name a little; its file is in no folder of the project."""
    (tmp_path / "networks_of_tests.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "networks_of_tests", raising=False)
    images = SCALING.apply(PIXELS, np.float32)
    split = Split(images, np.random.default_rng(2).integers(0, 5, len(images)))
    dataset = Dataset("colours", "digest", ("local", {}), SCALING, 5, split, split, None, (5, 4, 3))

    def train(name: str) -> tuple[OwnEngine, Dataset, TrainConfig]:
        chosen = settings("engine=torch", "device=cpu", f"network._target_=networks_of_tests.{name}")
        own = engines.make_own(chosen, dataset, maker_of(chosen.network))
        engine = engines.build(chosen, dataset, np.random.default_rng(0), own)
        assert isinstance(engine, OwnEngine)
        engine.train_window([np.arange(64)] * 5, [0.05] * 5)
        return engine, dataset, chosen

    return train


@pytest.mark.slow
def test_the_model_predicts_what_the_network_predicts_without_its_code(
    trained: Callable[[str], tuple[OwnEngine, Dataset, TrainConfig]], tmp_path: Path
) -> None:
    engine, dataset, chosen = trained("Normed")
    save_own_model(tmp_path, chosen.network, engine, dataset)
    (tmp_path / "networks_of_tests.py").unlink()
    np.save(tmp_path / "pixels.npy", PIXELS)
    command = [sys.executable, "-c", PREDICT, str(tmp_path / "model"), "pixels.npy", "out.npy"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=200)
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), engine.evaluate("test").predictions)
    assert not list((tmp_path / "model").rglob("*.pkl"))


@pytest.mark.parametrize("name", ["Undecided", "Counted"])
def test_a_network_without_a_graph_leaves_its_state_and_its_code_and_a_warning_says_why(
    trained: Callable[[str], tuple[OwnEngine, Dataset, TrainConfig]],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    engine, dataset, chosen = trained(name)
    with caplog.at_level(logging.WARNING, "mlplab"):
        save_own_model(tmp_path, chosen.network, engine, dataset)
    (warning,) = [record.getMessage() for record in caplog.records if record.name.startswith("mlplab")]
    assert warning.startswith("the network cannot be exported as a graph (")
    assert "\n" not in warning
    assert not (tmp_path / "model").exists()
    folder = tmp_path / "model_state"
    assert (folder / "code" / "networks_of_tests.py").read_text() == CODE
    assert warning.partition("(")[2].partition("): ")[0] in (folder / "README.md").read_text()
    facts = json.loads((folder / "network.json").read_text())
    namespace: dict[str, type] = {}
    exec((folder / "code" / "networks_of_tests.py").read_text(), namespace)
    again = namespace[name](classes=facts["classes"], image_shape=facts["image_shape"])
    again.load_state_dict(torch.load(folder / "state.pt"))
    for key, tensor in engine.trained().state_dict().items():
        assert torch.equal(again.state_dict()[key], tensor)

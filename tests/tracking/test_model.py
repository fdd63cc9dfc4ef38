"""The model in MLflow predicts what the trained network predicts, from raw pixels, without this project."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlplab.config import Activation
from mlplab.data import Scaling
from mlplab.engines.registry import ENGINES, ModelFormat
from mlplab.run.model_file import save_model
from mlplab.scratch.activations import ACTIVATIONS
from mlplab.scratch.initializers import INITIALIZERS, initialize
from mlplab.scratch.network import Network

SCALING = Scaling(pixel_max=255.0, mean=0.13, std=0.31)
PREDICT = """
import sys
sys.modules["mlplab"] = None  # importing it now raises ImportError
import numpy as np
import mlflow.pyfunc
pixels = np.load(sys.argv[2])
np.save(sys.argv[3], mlflow.pyfunc.load_model(sys.argv[1]).predict(pixels))
"""


def layers() -> list[tuple[np.ndarray, np.ndarray]]:
    drawn = initialize(INITIALIZERS["pytorch"], np.random.default_rng(0), [64, 30, 20, 10])
    return [(W.astype(np.float32), b.astype(np.float32)) for W, b in drawn]


def elsewhere(folder: Path, tmp_path: Path, pixels: np.ndarray) -> np.ndarray:
    """Predict in another process, in another folder, where the project cannot be imported."""
    np.save(tmp_path / "pixels.npy", pixels)
    command = [sys.executable, "-c", PREDICT, str(folder), str(tmp_path / "pixels.npy"), str(tmp_path / "out.npy")]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=200)
    classes: np.ndarray = np.load(tmp_path / "out.npy")
    return classes


def expected(activation: str, pixels: np.ndarray) -> np.ndarray:
    network = Network(layers(), ACTIVATIONS[activation], np.float32, len(pixels))
    return network.forward(SCALING.apply(pixels, np.float32)).argmax(axis=1)


def save(model_format: ModelFormat, folder: Path, activation: Activation) -> None:
    engine = next(name for name, entry in ENGINES.items() if entry.model_format is model_format)
    save_model(folder, engine, activation, layers(), SCALING)


PIXELS = np.random.default_rng(1).integers(0, 256, (500, 64), dtype=np.uint8)


@pytest.mark.parametrize("activation", Activation)
@pytest.mark.parametrize("model_format", ModelFormat)
def test_every_activation_predicts_alike(tmp_path: Path, model_format: ModelFormat, activation: Activation) -> None:
    import mlflow.pyfunc

    save(model_format, tmp_path / "model", activation)
    predicted = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(PIXELS)
    assert predicted.dtype == np.int64
    np.testing.assert_array_equal(predicted, expected(activation, PIXELS))


@pytest.mark.parametrize("model_format", ModelFormat)
def test_a_model_needs_nothing_of_this_project_and_pickles_nothing(tmp_path: Path, model_format: ModelFormat) -> None:
    folder = tmp_path / "model"
    save(model_format, folder, Activation.tanh)
    np.testing.assert_array_equal(elsewhere(folder, tmp_path, PIXELS), expected(Activation.tanh, PIXELS))
    assert not list(folder.rglob("*.pkl"))
    requirements = (folder / "requirements.txt").read_text().split()
    assert all("==" in requirement and "+" not in requirement for requirement in requirements)

"""The model in MLflow predicts what the trained network predicts, from raw pixels, without this project."""

import os
import pickle
import subprocess
import sys
import zipfile
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
from mlplab.tracking.model import RowForm

SCALING = Scaling(pixel_max=255.0, mean=0.13, std=0.31)
FORM = RowForm(np.zeros((2, 64), np.uint8), (64,), np.uint8, list(range(10)), (8, 8))
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
    save_model(folder, engine, activation, layers(), SCALING, FORM)


PIXELS = np.random.default_rng(1).integers(0, 256, (500, 64), dtype=np.uint8)


@pytest.mark.parametrize("activation", Activation)
@pytest.mark.parametrize("model_format", ModelFormat)
def test_every_activation_predicts_alike(tmp_path: Path, model_format: ModelFormat, activation: Activation) -> None:
    import mlflow.pyfunc

    save(model_format, tmp_path / "model", activation)
    predicted = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(PIXELS)
    assert predicted.dtype == np.int64
    np.testing.assert_array_equal(predicted, expected(activation, PIXELS))


@pytest.mark.slow
@pytest.mark.parametrize("model_format", ModelFormat)
def test_a_model_needs_nothing_of_this_project_and_pickles_nothing(tmp_path: Path, model_format: ModelFormat) -> None:
    folder = tmp_path / "model"
    save(model_format, folder, Activation.tanh)
    np.testing.assert_array_equal(elsewhere(folder, tmp_path, PIXELS), expected(Activation.tanh, PIXELS))
    assert not list(folder.rglob("*.pkl"))
    requirements = (folder / "requirements.txt").read_text().split()
    assert all("==" in requirement and "+" not in requirement for requirement in requirements)


@pytest.mark.parametrize("model_format", ModelFormat)
def test_probabilities_are_the_softmax_of_the_logits_by_the_name_of_each_class(
    tmp_path: Path, model_format: ModelFormat
) -> None:
    import mlflow.pyfunc

    save(model_format, tmp_path / "model", Activation.relu)
    saved = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    answers = saved.predict(PIXELS, params={"probabilities": True})
    assert list(answers.columns) == ["class", "probabilities"]
    np.testing.assert_array_equal(answers["class"], saved.predict(PIXELS))
    logits = Network(layers(), ACTIVATIONS["relu"], np.float32, len(PIXELS)).forward(SCALING.apply(PIXELS, np.float32))
    for row, given in zip(logits.astype(np.float64), answers["probabilities"], strict=True):
        expected_probabilities = np.exp(row) / np.exp(row).sum()
        assert list(given) == [str(label) for label in range(10)]
        np.testing.assert_allclose(list(given.values()), expected_probabilities, rtol=1e-4)
        assert sum(given.values()) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("model_format", ModelFormat)
def test_the_metadata_have_the_classes_and_the_shape_of_an_image(tmp_path: Path, model_format: ModelFormat) -> None:
    from mlflow.models import Model

    save(model_format, tmp_path / "model", Activation.relu)
    found = Model.load(str(tmp_path / "model")).metadata["mlplab"]
    assert found == {"classes": list(range(10)), "image_shape": [8, 8], "pixel_max": 255.0}


def test_a_graph_that_holds_a_pickle_is_refused(tmp_path: Path) -> None:
    import mlflow.pyfunc

    save(ModelFormat.torch_graph, tmp_path / "model", Activation.relu)
    (archive,) = (tmp_path / "model").rglob("*.pt2")
    with zipfile.ZipFile(archive, "a") as file:
        (first, *_) = (name for name in file.namelist() if "weight" in name)
        file.writestr(f"{first.partition('/')[0]}/data/constants/opaque_object_0", pickle.dumps(Evil()))
    with pytest.raises(Exception, match="not a pickle-free payload"):
        mlflow.pyfunc.load_model(str(tmp_path / "model"))


class Evil:
    """What a pickle can do."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("false",)

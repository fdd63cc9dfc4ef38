"""A store, models as a run saves them, and such models loaded: of pixels, of a table, of other numbers."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mlplab.config import Activation, Engine
from mlplab.data import Scaling, encoding
from mlplab.data.encoding import ArrayRows, Encoding, PictureRows, TableRows
from mlplab.models.loading import LoadedModel
from mlplab.models.row_forms import form_of_model
from mlplab.run.model_file import save_model
from mlplab.schema import MODEL
from mlplab.scratch import activations
from mlplab.scratch.initializers import INITIALIZERS, initialize
from mlplab.store.store import Store, connect
from mlplab.tracking.model import RowForm, load_model, save_scratch

FORM = RowForm(np.zeros((2, 4), np.uint8), (4,), np.uint8, ["no", "yes"], (2, 2))

DIGITS = RowForm(np.zeros((2, 784), np.uint8), (784,), np.uint8, list(range(10)), (28, 28))
WINES = TableRows({"alcohol": "float64", "strength": None}, {"strength": ["light", "strong"]})

CODES = TableRows({"code": None, "flag": None}, {"code": ["01", "02", "A"], "flag": ["maybe", "true"]})


def coded(rows: Encoding, labels: list[str], pixel_max: float) -> RowForm:
    code = Path(encoding.__file__)
    return RowForm(
        rows.example(), rows.raw_shape, rows.dtype, labels, rows.image_shape, rows.settings(), code, rows.libraries,
        pixel_max,
    )  # fmt: skip


FORMS = {
    "digits": (DIGITS, 784, Scaling(255.0)),
    "small digits": (RowForm(np.zeros((2, 64), np.uint8), (64,), np.uint8, list(range(10)), (8, 8), pixel_max=16.0),
                     64, Scaling(16.0)),
    "colour": (coded(PictureRows([8, 6, 3], True), ["day", "night"], 255.0), 144, Scaling(255.0)),
    "table": (coded(WINES, ["barbera", "barolo"], 1.0), 3, Scaling(1.0)),
    "codes": (coded(CODES, ["no", "yes"], 1.0), 5, Scaling(1.0)),
    "numbers": (coded(ArrayRows("float32", [4]), ["setosa", "virginica"], 1.0), 4, Scaling(1.0)),
}  # fmt: skip


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., LoadedModel]:
    """A function that saves and loads one of the models above, by an engine; each once."""
    known: dict[tuple[str, Engine], LoadedModel] = {}

    def load(name: str, engine: Engine = Engine.numpy) -> LoadedModel:
        if (name, engine) not in known:
            form, inputs, scaling = FORMS[name]
            folder = tmp_path_factory.mktemp("models") / "model"
            drawn = initialize(INITIALIZERS["pytorch"], np.random.default_rng(0), [inputs, 30, len(form.labels)])
            layers = [(W.astype(np.float32), b.astype(np.float32)) for W, b in drawn]
            save_model(folder, engine, Activation.relu, layers, scaling, form)
            model = load_model(folder)
            known[name, engine] = LoadedModel(name, model, form_of_model(model.metadata), form.labels, folder)
        return known[name, engine]

    return load


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model as a run saves it."""
    folder = tmp_path_factory.mktemp("saved") / MODEL
    arrays = {"W0": np.eye(4, 2), "b0": np.zeros(2)}
    scaling = {"pixel_max": 255.0, "mean": 0.0, "std": 1.0}
    save_scratch(folder, arrays, "relu", Path(activations.__file__), scaling, FORM)
    return folder


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Store:
    shutil.copy(empty_store, tmp_path)
    return connect(f"sqlite:///{tmp_path / 'mlflow.db'}", "lab")

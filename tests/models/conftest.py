"""A store, and a small model as a run saves it."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from mlplab.schema import MODEL
from mlplab.scratch import activations
from mlplab.store.store import Store, connect
from mlplab.tracking.model import RowForm, save_scratch

FORM = RowForm(np.zeros((2, 4), np.uint8), (4,), np.uint8, ["no", "yes"], (2, 2))


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

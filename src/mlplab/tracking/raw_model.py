"""A trained network and the coding of people's own rows as MLflow keeps them: a copy of this file, both beside it.

MLflow runs that copy wherever the model is loaded, perhaps without this project. So it imports nothing of the project;
the encoding comes from a copy of the file that defines it.
"""

import importlib.util
import json
from types import ModuleType
from typing import Any

import mlflow.pyfunc
import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel


class RawModel(PythonModel):
    """Maps raw rows, as the file or folder had them, to labels, as it had them: text or int64, shape (N,)."""

    def load_context(self, context: Any) -> None:
        """Read the network and the coding."""
        with open(context.artifacts["coding"], encoding="utf-8") as file:
            coding = json.load(file)
        self._encoding = _load_module(context.artifacts["encoding"]).encoding_of(coding["rows"])
        self._labels = np.array(coding["labels"])
        self._network = mlflow.pyfunc.load_model(context.artifacts["network"])

    def predict(self, context: Any, model_input: np.ndarray, params: Any = None) -> np.ndarray:  # noqa: ARG002
        """Return the most likely label of each row: of an array or a DataFrame, a hint that MLflow warns of."""
        labels: np.ndarray = self._labels[self._network.predict(self._encoding.rows(model_input))]
        return labels


def _load_module(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("mlplab_model_encoding", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


set_model(RawModel())

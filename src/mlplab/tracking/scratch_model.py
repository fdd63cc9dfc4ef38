"""The trained scratch network as MLflow keeps it: a copy of this file, and the weights beside it.

MLflow runs that copy wherever the model is loaded, perhaps without this project or with another version of it. So it
imports nothing of the project; the activations come from a copy of the file that defines them.
"""

import importlib.util
import json
from types import ModuleType
from typing import Any

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel


class ScratchModel(PythonModel):
    """Maps raw pixels, or other numbers, of shape (N, I), to classes, int64 of shape (N,)."""

    def load_context(self, context: Any) -> None:
        """Read weights and settings."""
        with np.load(context.artifacts["weights"], allow_pickle=False) as stored:
            count = len(stored.files) // 2
            self._layers = [(stored[f"W{layer}"], stored[f"b{layer}"]) for layer in range(count)]
        with open(context.artifacts["settings"], encoding="utf-8") as file:
            self._settings = json.load(file)
        activations = _load_module(context.artifacts["activations"]).ACTIVATIONS
        self._activation = activations[self._settings["activation"]]

    def predict(self, context: Any, model_input: np.ndarray, params: Any = None) -> np.ndarray:  # noqa: ARG002
        """Return the most likely class of each row."""
        settings = self._settings
        raw, dtype = np.asarray(model_input), self._layers[0][0].dtype
        x = raw.astype(dtype if raw.dtype == np.uint8 else np.float64)
        x = (x / settings["pixel_max"] - np.array(settings["mean"], x.dtype)) / np.array(settings["std"], x.dtype)
        x = x.astype(dtype, copy=False)
        for weights, biases in self._layers[:-1]:
            x = x @ weights + biases
            self._activation.forward(x)
        weights, biases = self._layers[-1]
        classes: np.ndarray = np.argmax(x @ weights + biases, axis=1)
        return classes


def _load_module(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("mlplab_model_activations", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


set_model(ScratchModel())

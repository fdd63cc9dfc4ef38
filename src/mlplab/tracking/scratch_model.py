"""The trained scratch network as MLflow keeps it: a copy of this file, and the weights beside it.

MLflow runs that copy wherever the model is loaded, where this project may be missing or of another version. So it
stands alone: NumPy and MLflow, and the forward pass once more.
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

_ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sigmoid": lambda z: 0.5 * (1 + np.tanh(0.5 * z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "linear": lambda z: z,
}


class ScratchModel(PythonModel):
    """From raw pixels, uint8 of shape (N, I), to classes, int64 of shape (N,)."""

    def load_context(self, context: Any) -> None:
        """Read weights and settings."""
        with np.load(context.artifacts["weights"], allow_pickle=False) as stored:
            count = len(stored.files) // 2
            self._layers = [(stored[f"W{layer}"], stored[f"b{layer}"]) for layer in range(count)]
        with open(context.artifacts["settings"], encoding="utf-8") as file:
            self._settings = json.load(file)

    def predict(self, context: Any, model_input: np.ndarray, params: Any = None) -> np.ndarray:  # noqa: ARG002
        """Return the most likely class of each row."""
        settings = self._settings
        x = np.asarray(model_input).astype(self._layers[0][0].dtype)
        x = (x / settings["pixel_max"] - settings["mean"]) / settings["std"]
        activation = _ACTIVATIONS[settings["activation"]]
        for weights, biases in self._layers[:-1]:
            x = activation(x @ weights + biases)
        weights, biases = self._layers[-1]
        classes: np.ndarray = np.argmax(x @ weights + biases, axis=1)
        return classes


set_model(ScratchModel())

"""A trained network as MLflow keeps it: a copy of this file, and beside it the network and how its rows are coded.

MLflow runs that copy wherever the model is loaded, perhaps without this project or with another version of it. So it
imports nothing of the project; activations and the coding of rows come from copies of the files that define them.
"""

import importlib.util
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel


class ScratchNetwork:
    """The layers of the NumPy engine: maps rows, uint8 or float, shape (N, I), to logits, shape (N, K)."""

    def __init__(self, artifacts: Mapping[str, str], settings: Mapping[str, Any]) -> None:
        with np.load(artifacts["weights"], allow_pickle=False) as stored:
            count = len(stored.files) // 2
            self._layers = [(stored[f"W{layer}"], stored[f"b{layer}"]) for layer in range(count)]
        self._activation = _load_module(artifacts["activations"]).ACTIVATIONS[settings["activation"]]
        self._scaling = settings["scaling"]

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        scaling, dtype = self._scaling, self._layers[0][0].dtype
        x = rows.astype(dtype if rows.dtype == np.uint8 else np.float64)
        x = (x / scaling["pixel_max"] - np.array(scaling["mean"], x.dtype)) / np.array(scaling["std"], x.dtype)
        x = x.astype(dtype, copy=False)
        for weights, biases in self._layers[:-1]:
            x = x @ weights + biases
            self._activation.forward(x)
        weights, biases = self._layers[-1]
        logits: np.ndarray = x @ weights + biases
        return logits


class GraphNetwork:
    """A graph that PyTorch exported, scaling included: maps rows likewise. One that holds a pickle is refused."""

    def __init__(self, artifacts: Mapping[str, str], settings: Mapping[str, Any]) -> None:  # noqa: ARG002
        import mlflow.pytorch

        with _pickles_refused():
            self._module = mlflow.pytorch.load_model(artifacts["graph"])

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        import torch

        with torch.no_grad():
            logits: np.ndarray = self._module(torch.from_numpy(rows.copy())).numpy()
        return logits


NETWORKS: dict[str, Callable[[Mapping[str, str], Mapping[str, Any]], Callable[[np.ndarray], np.ndarray]]] = {
    "arrays": ScratchNetwork,
    "torch_graph": GraphNetwork,
}


class SavedClassifier(PythonModel):
    """Maps rows as the data has them to labels as the data names them: text or int64, shape (N,).

    With the param ``probabilities`` it returns a DataFrame: the label of each row (``class``), and the probability of
    each label by its text (``probabilities``), softmax of the logits, float64, which sum to 1.
    """

    def load_context(self, context: Any) -> None:
        """Read the network, the labels and the coding of rows."""
        artifacts = context.artifacts
        with open(artifacts["settings"], encoding="utf-8") as file:
            settings = json.load(file)
        self._labels = np.array(settings["labels"])
        self._names = [str(label) for label in settings["labels"]]
        self._encoding = None
        if settings["rows"] is not None:
            self._encoding = _load_module(artifacts["encoding"]).encoding_of(settings["rows"])
        self._network = NETWORKS[settings["network"]](artifacts, settings)

    def predict(self, context: Any, model_input: np.ndarray, params: Any = None) -> Any:  # noqa: ARG002
        """Return the most likely label of each row: of an array or a DataFrame, a hint that MLflow warns of."""
        rows = np.asarray(model_input) if self._encoding is None else self._encoding.rows(model_input)
        logits = self._network(rows)
        labels = self._labels[np.argmax(logits, axis=1)]
        if not (params or {}).get("probabilities", False):
            return labels
        named = [dict(zip(self._names, row, strict=True)) for row in _softmax(logits).tolist()]
        # Plain Python objects: whatever turns the answer into JSON knows them.
        return pd.DataFrame({"class": pd.Series(labels.tolist()), "probabilities": pd.Series(named, dtype=object)})


@contextmanager
def _pickles_refused() -> Iterator[None]:
    """Let MLflow look through the graph first: PyTorch would unpickle whatever somebody put into it."""
    name = "MLFLOW_ALLOW_PICKLE_DESERIALIZATION"
    before = os.environ.get(name)
    os.environ[name] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _softmax(logits: np.ndarray) -> np.ndarray:
    # Of both losses the output layer is a softmax: squared_error compares its probabilities, too.
    z = logits.astype(np.float64)
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    probabilities: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def _load_module(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("mlplab_model_code", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


set_model(SavedClassifier())

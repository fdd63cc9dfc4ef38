"""The trained network as an MLflow model, which predicts classes from raw pixels without this project.

    mlflow.pyfunc.load_model("runs:/ID/model").predict(pixels)    uint8 (N, I) -> int64 (N,)

Models are saved into a folder of the run's artifacts. Requirements, signature and example are given, because
inferring them takes seconds. Nothing is pickled.
"""

import json
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn

_TRIED_ROWS = 7  # another number than that of the example with which a graph is made


def save_scratch(
    folder: Path,
    arrays: Mapping[str, NDArray[Any]],
    activation: str,
    activations_code: Path,
    scaling: Mapping[str, float],
) -> None:
    """Save weights and settings beside a copy of ``scratch_model.py``, which MLflow runs to load them.

    Args:
        folder: to create.
        arrays: weights W0 (I, O) and biases b0 (O,), W1 and b1, ..., first layer first.
        activation: of the hidden layers.
        activations_code: the source file that defines the activations; the model carries a copy.
        scaling: pixel_max, mean and std of the inputs.
    """
    import mlflow.pyfunc

    inputs = len(arrays["W0"])
    with tempfile.TemporaryDirectory() as temporary:
        weights, settings = Path(temporary) / "weights.npz", Path(temporary) / "settings.json"
        np.savez(weights, **arrays)  # type: ignore[arg-type]  # a name might be one of its flags
        settings.write_text(json.dumps({"activation": activation, **scaling}), encoding="utf-8")
        files = {"weights": weights, "settings": settings, "activations": activations_code}
        mlflow.pyfunc.save_model(
            folder,
            python_model=str(Path(__file__).with_name("scratch_model.py")),
            artifacts={name: str(path) for name, path in files.items()},
            pip_requirements=_requirements("mlflow", "numpy", "scipy"),
            signature=_signature(inputs),
            input_example=_example(inputs),
        )


def save_torch(folder: Path, classifier: "nn.Module", inputs: int) -> None:
    """Save a module from raw pixels to classes as an exported graph, in PyTorch's own format.

    Args:
        folder: to create.
        classifier: maps uint8 of shape (B, inputs) to int64 of shape (B,), on the CPU.
        inputs: pixels per image.
    """
    import mlflow.pytorch

    mlflow.pytorch.save_model(
        classifier,
        folder,
        serialization_format="pt2",
        pip_requirements=_requirements("mlflow", "numpy", "torch"),
        signature=_signature(inputs),
        input_example=_example(inputs),
    )


class OtherClassesError(Exception):
    """The exported graph does not predict what the network predicts."""


def require_same_classes(folder: Path, classifier: "nn.Module", inputs: int) -> None:
    """Load the model that :func:`save_torch` saved, and compare: PyTorch may have fixed the number of rows in a graph.

    Raises:
        OtherClassesError: it returns other classes than the module.
        Exception: whatever the graph raises.
    """
    import mlflow.pyfunc
    import torch

    pixels = np.random.default_rng(0).integers(0, 256, (_TRIED_ROWS, inputs), dtype=np.uint8)
    saved = mlflow.pyfunc.load_model(str(folder)).predict(pixels)
    with torch.no_grad():
        own = classifier(torch.from_numpy(pixels)).numpy()
    if not np.array_equal(saved, own):
        raise OtherClassesError("the graph predicts other classes than the network")


def _signature(inputs: int) -> ModelSignature:
    pixels = TensorSpec(np.dtype(np.uint8), (-1, inputs), name=None)
    classes = TensorSpec(np.dtype(np.int64), (-1,), name=None)
    return ModelSignature(inputs=Schema([pixels]), outputs=Schema([classes]))


def _example(inputs: int) -> NDArray[np.uint8]:
    # Two rows: from one row torch would conclude that every batch has one row.
    return np.zeros((2, inputs), dtype=np.uint8)


def _requirements(*names: str) -> list[str]:
    return [f"{name}=={version(name).partition('+')[0]}" for name in names]

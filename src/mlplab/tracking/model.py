"""The trained network as an MLflow model, which predicts classes from raw pixels without this project.

    mlflow.pyfunc.load_model("runs:/ID/model").predict(pixels)    uint8 (N, I) -> int64 (N,)

One of people's own data takes raw rows, as their file has them, and returns the labels as it has them.

Models are saved into a folder of the run's artifacts. Requirements, signature and example are given, because
inferring them takes seconds. Nothing is pickled.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from mlflow.types.schema import AnyType
from numpy.typing import DTypeLike, NDArray

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel as PyFuncModel
    from torch import nn

_TRIED_ROWS = 7  # another number than that of the example with which a graph is made


def load_model(folder: Path) -> "PyFuncModel":
    """Return the model that lies in a folder."""
    import mlflow.pyfunc

    model: PyFuncModel = mlflow.pyfunc.load_model(str(folder))
    return model


def save_scratch(
    folder: Path,
    arrays: Mapping[str, NDArray[Any]],
    activation: str,
    activations_code: Path,
    scaling: Mapping[str, Any],
    dtype: DTypeLike = np.uint8,
) -> None:
    """Save weights and settings beside a copy of ``scratch_model.py``, which MLflow runs to load them.

    Args:
        folder: to create.
        arrays: weights W0 (I, O) and biases b0 (O,), W1 and b1, ..., first layer first.
        activation: of the hidden layers.
        activations_code: the source file that defines the activations; the model carries a copy.
        scaling: pixel_max, mean and std of the inputs.
        dtype: of the rows.
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
            signature=_signature(inputs, dtype),
            input_example=_example(inputs, dtype),
        )


def save_torch(folder: Path, classifier: "nn.Module", inputs: int, dtype: DTypeLike = np.uint8) -> None:
    """Save a module from raw pixels to classes as an exported graph, in PyTorch's own format.

    Args:
        folder: to create.
        classifier: maps rows of shape (B, inputs) to int64 of shape (B,), on the CPU.
        inputs: numbers per row.
        dtype: of the rows: uint8 for pixels.
    """
    import mlflow.pytorch

    mlflow.pytorch.save_model(
        classifier,
        folder,
        serialization_format="pt2",
        pip_requirements=_requirements("mlflow", "numpy", "torch"),
        signature=_signature(inputs, dtype),
        input_example=_example(inputs, dtype),
    )


class OtherClassesError(Exception):
    """The exported graph does not predict what the network predicts."""


def require_same_classes(folder: Path, classifier: "nn.Module", inputs: int, dtype: DTypeLike) -> None:
    """Load the model that :func:`save_torch` saved, and compare: PyTorch may have fixed the number of rows in a graph.

    Raises:
        OtherClassesError: it returns other classes than the module.
        Exception: whatever the graph raises.
    """
    import torch

    rng, shape = np.random.default_rng(0), (_TRIED_ROWS, inputs)
    is_pixels = np.dtype(dtype) == np.uint8
    rows = rng.integers(0, 256, shape, dtype=np.uint8) if is_pixels else rng.normal(size=shape).astype(dtype)
    saved = load_model(folder).predict(rows)
    with torch.no_grad():
        own = classifier(torch.from_numpy(rows)).numpy()
    if not np.array_equal(saved, own):
        raise OtherClassesError("the graph predicts other classes than the network")


@dataclass(frozen=True)
class RawForm:
    """How raw rows look, and how they are coded.

    Attributes:
        encoding: its settings, from which ``code`` makes it again.
        code: the source file that defines the encodings; the model carries a copy.
        libraries: that it needs.
        example: two raw rows: an array, or a pandas DataFrame.
        shape: of a row of an array, where -1 is any size; None for a DataFrame.
        labels: of the classes, all text or all whole numbers.
    """

    encoding: Mapping[str, Any]
    code: Path
    libraries: Sequence[str]
    example: Any
    shape: Sequence[int] | None
    labels: Sequence[Any]


def save_raw(folder: Path, network: Path, form: RawForm) -> None:
    """Save a model that takes raw rows and returns labels, around one that takes numbers and returns classes.

    Args:
        folder: to create.
        network: folder of the inner model.
        form: of the raw rows.
    """
    import mlflow.pyfunc

    inner = (network / "requirements.txt").read_text(encoding="utf-8").split()
    is_text = isinstance(form.labels[0], str)
    labels = TensorSpec(np.dtype(str if is_text else np.int64), (-1,), name=None)
    with tempfile.TemporaryDirectory() as temporary:
        coding = Path(temporary) / "coding.json"
        coding.write_text(json.dumps({"rows": form.encoding, "labels": form.labels}), encoding="utf-8")
        files = {"coding": coding, "encoding": form.code, "network": network}
        mlflow.pyfunc.save_model(
            folder,
            python_model=str(Path(__file__).with_name("raw_model.py")),
            artifacts={name: str(path) for name, path in files.items()},
            pip_requirements=[*inner, *_requirements(*form.libraries)],
            signature=ModelSignature(inputs=_raw_schema(form), outputs=Schema([labels])),
            input_example=form.example,
        )


def _raw_schema(form: RawForm) -> Schema:
    example = form.example
    if form.shape is not None:
        return Schema([TensorSpec(example.dtype, (-1, *form.shape), name=None)])
    # Whole numbers are numbers, too: MLflow would refuse 13 in a column of 13.0.
    any_number = AnyType()  # type: ignore[no-untyped-call]
    types = {column: any_number if example[column].dtype.kind in "biuf" else DataType.string for column in example}
    return Schema([ColSpec(kind, column) for column, kind in types.items()])


def _signature(inputs: int, dtype: DTypeLike) -> ModelSignature:
    pixels = TensorSpec(np.dtype(dtype), (-1, inputs), name=None)
    classes = TensorSpec(np.dtype(np.int64), (-1,), name=None)
    return ModelSignature(inputs=Schema([pixels]), outputs=Schema([classes]))


def _example(inputs: int, dtype: DTypeLike) -> NDArray[Any]:
    # Two rows: from one row torch would conclude that every batch has one row.
    return np.zeros((2, inputs), dtype)


def _requirements(*names: str) -> list[str]:
    return [f"{name}=={version(name).partition('+')[0]}" for name in names]

"""The trained network as an MLflow model, which predicts from rows as the data has them, without this project.

    model = mlflow.pyfunc.load_model("runs:/ID/model")
    model.predict(pixels)                                     uint8 (N, I) -> classes, int64 (N,)
    model.predict(pixels, params={"probabilities": True})     -> a DataFrame: class, probabilities

One of people's own data takes raw rows, as their file has them, and returns the labels as it has them.

Requirements, signature and example are given, because inferring them takes seconds. Nothing is pickled.
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
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.types.schema import AnyType
from numpy.typing import DTypeLike, NDArray

from mlplab.schema import PROBABILITIES

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel as PyFuncModel
    from torch import nn

_TRIED_ROWS = 7  # another number than that of the example with which a graph is made
METADATA = "mlplab"  # key in the metadata of an MLmodel


def load_model(folder: Path) -> "PyFuncModel":
    """Return the model that lies in a folder."""
    import mlflow.pyfunc

    model: PyFuncModel = mlflow.pyfunc.load_model(str(folder))
    return model


@dataclass(frozen=True)
class RowForm:
    """How the rows look that a model takes, how they are coded, and what it calls the classes.

    Attributes:
        example: two rows: an array, or a pandas DataFrame.
        shape: of a row of an array, where -1 is any size; None for a DataFrame.
        dtype: of the rows of numbers that the network takes: uint8 for pixels.
        labels: of the classes, all text or all whole numbers.
        image_shape: of one row: (height, width) or (height, width, channels); None where rows are no images.
        encoding: its settings, from which ``code`` makes it again; None for rows that are numbers already.
        code: the source file that defines the encodings; the model carries a copy.
        libraries: that it needs.
        pixel_max: the largest value that a pixel can have; 1 for other numbers.
    """

    example: Any
    shape: Sequence[int] | None
    dtype: DTypeLike
    labels: Sequence[Any]
    image_shape: Sequence[int] | None = None
    encoding: Mapping[str, Any] | None = None
    code: Path | None = None
    libraries: Sequence[str] = ()
    pixel_max: float = 255.0


def save_scratch(
    folder: Path,
    arrays: Mapping[str, NDArray[Any]],
    activation: str,
    activations_code: Path,
    scaling: Mapping[str, Any],
    form: RowForm,
) -> None:
    """Save weights and settings beside a copy of ``saved_classifier.py``, which MLflow runs to load them.

    Args:
        folder: to create.
        arrays: weights W0 (I, O) and biases b0 (O,), W1 and b1, ..., first layer first.
        activation: of the hidden layers.
        activations_code: the source file that defines the activations; the model carries a copy.
        scaling: pixel_max, mean and std of the inputs.
        form: of the rows.
    """
    with tempfile.TemporaryDirectory() as temporary:
        weights = Path(temporary) / "weights.npz"
        np.savez(weights, **arrays)  # type: ignore[arg-type]  # a name might be one of its flags
        files = {"weights": weights, "activations": activations_code}
        settings = {"network": "arrays", "activation": activation, "scaling": scaling}
        _save(folder, settings, files, ("mlflow", "numpy", "pandas", "scipy"), form)


def save_torch(folder: Path, network: "nn.Module", inputs: int, form: RowForm) -> None:
    """Save a module as an exported graph, in PyTorch's own format, beside a copy of ``saved_classifier.py``.

    Args:
        folder: to create.
        network: maps rows of numbers, of the form's dtype and shape (B, inputs), to logits, (B, K), on the CPU.
        inputs: numbers per row.
        form: of the rows.
    """
    import mlflow.pytorch

    spec = TensorSpec(np.dtype(form.dtype), (-1, inputs), name=None)
    logits = TensorSpec(np.dtype(np.float32), (-1, len(form.labels)), name=None)
    with tempfile.TemporaryDirectory() as temporary:
        graph = Path(temporary) / "graph"
        mlflow.pytorch.save_model(
            network,
            graph,
            serialization_format="pt2",
            pip_requirements=_requirements("mlflow", "numpy", "torch"),
            signature=ModelSignature(inputs=Schema([spec]), outputs=Schema([logits])),
            # Two rows: from one row torch would conclude that every batch has one row.
            input_example=np.zeros((2, inputs), form.dtype),
        )
        needed = ("mlflow", "numpy", "pandas", "torch")
        _save(folder, {"network": "torch_graph"}, {"graph": graph}, needed, form)


class OtherClassesError(Exception):
    """The exported graph does not predict what the network predicts."""


def require_same_classes(folder: Path, network: "nn.Module", inputs: int, dtype: DTypeLike) -> None:
    """Load the graph that :func:`save_torch` saved, and compare: PyTorch may have fixed the number of rows in it.

    Raises:
        OtherClassesError: it finds other classes than the module.
        Exception: whatever the graph raises.
    """
    import mlflow.pytorch
    import torch

    rng, shape = np.random.default_rng(0), (_TRIED_ROWS, inputs)
    is_pixels = np.dtype(dtype) == np.uint8
    drawn = rng.integers(0, 256, shape, dtype=np.uint8) if is_pixels else rng.normal(size=shape).astype(dtype)
    rows = torch.from_numpy(drawn)
    graph = mlflow.pytorch.load_model(str(folder / "artifacts" / "graph"))
    with torch.no_grad():
        if not torch.equal(graph(rows).argmax(dim=1), network(rows).argmax(dim=1)):
            raise OtherClassesError("the graph predicts other classes than the network")


def _save(
    folder: Path, settings: Mapping[str, Any], files: Mapping[str, Path], needed: Sequence[str], form: RowForm
) -> None:
    import mlflow.pyfunc

    coding = {} if form.code is None else {"encoding": form.code}
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "settings.json"
        path.write_text(json.dumps({"labels": form.labels, "rows": form.encoding, **settings}), encoding="utf-8")
        mlflow.pyfunc.save_model(
            folder,
            python_model=str(Path(__file__).with_name("saved_classifier.py")),
            artifacts={name: str(file) for name, file in {"settings": path, **files, **coding}.items()},
            pip_requirements=_requirements(*dict.fromkeys([*needed, *form.libraries])),
            signature=_signature(form),
            input_example=form.example,
            metadata={METADATA: _facts(form)},
        )


def _facts(form: RowForm) -> dict[str, Any]:
    shape = _listed(form.image_shape)
    return {"classes": list(form.labels), "image_shape": shape, "pixel_max": form.pixel_max}


def _listed(shape: Sequence[int] | None) -> list[int] | None:
    return None if shape is None else list(shape)


def _signature(form: RowForm) -> ModelSignature:
    is_text = isinstance(form.labels[0], str)
    labels = TensorSpec(np.dtype(str if is_text else np.int64), (-1,), name=None)
    params = ParamSchema([ParamSpec(PROBABILITIES, DataType.boolean, False)])
    return ModelSignature(inputs=_row_schema(form), outputs=Schema([labels]), params=params)


def _row_schema(form: RowForm) -> Schema:
    example = form.example
    if form.shape is not None:
        # A schema fixes the number of axes: pixels as rows, (N, I), and not as (N, height, width) besides. Whoever has
        # images reshapes them; their shape lies in the metadata.
        return Schema([TensorSpec(example.dtype, (-1, *form.shape), name=None)])
    # Whole numbers are numbers, too: MLflow would refuse 13 in a column of 13.0.
    any_number = AnyType()  # type: ignore[no-untyped-call]
    types = {column: any_number if example[column].dtype.kind in "biuf" else DataType.string for column in example}
    return Schema([ColSpec(kind, column) for column, kind in types.items()])


def _requirements(*names: str) -> list[str]:
    return [f"{name}=={version(name).partition('+')[0]}" for name in names]

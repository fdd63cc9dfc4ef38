"""A saved model as an ONNX file, which is only written if it answers on the test set what the model answers."""

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlplab import data
from mlplab.commands import install_command
from mlplab.data.encoding import TableRows, encoding_of
from mlplab.data_config import DataConfig
from mlplab.errors import ConfigError, DataError, UserError, error_in_words
from mlplab.models.finding import FoundModel
from mlplab.models.loading import LoadedModel
from mlplab.models.new_file import new_file
from mlplab.schema import DATA_TAG

if TYPE_CHECKING:
    from torch import nn

TOLERANCE = 1e-5  # of a probability
_BATCH = 1_000
_LIBRARIES = ("onnx", "onnxruntime", "onnxscript")


@dataclass(frozen=True)
class Agreement:
    """How the file's answers agree with the model's, on the test set.

    Attributes:
        rows: that were tried; all have the same class.
        largest: difference of a probability.
    """

    rows: int
    largest: float


def require_onnx() -> None:
    """Raise ConfigError if the packages that exporting needs are not installed."""
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise ConfigError(f"format=onnx: needs {', '.join(missing)}; install it with `{install_command('onnx')}`")


def rows_to_test_on(found: FoundModel) -> Any:
    """Return the rows of the test set of a model's run, as its data has them.

    Raises:
        DataError: they are not on this machine.
    """
    config = DataConfig.of_params(found.params)
    name = str(found.run.data.tags[DATA_TAG])
    test = data.test_rows(config) if config.is_own else data.test_images(name, config.root)
    if test is None:
        raise DataError(
            f"data.root={config.root}: has no {name}, on whose test set the file is checked; export where the data is"
        )
    return test[0]


def export_onnx(model: LoadedModel, test_rows: Any, path: Path) -> Agreement:
    """Write a model to a new file, and return how it agrees with the model on these rows.

    Raises:
        ConfigError: there is a file already, or what was written answers otherwise; then nothing is left.
    """
    settings = json.loads((model.folder / "artifacts" / "settings.json").read_text(encoding="utf-8"))
    encoding = None if settings["rows"] is None else encoding_of(settings["rows"])
    raw = model.form.check(test_rows, "the test set")
    rows = raw if encoding is None else encoding.rows(raw)
    facts = {"classes": json.dumps(list(model.classes))}
    if isinstance(encoding, TableRows):
        facts["inputs"] = json.dumps(encoding.names)
    with new_file(path) as place:
        from mlplab.engines.onnx_graph import write_onnx  # PyTorch takes a second to import

        try:
            write_onnx(_module(model.folder, settings), rows.shape[1], rows.dtype, facts, place)
            return _agreement(place, raw, rows, model)
        except (OSError, UserError):
            raise
        except Exception as error:  # whatever the exporter or ONNX Runtime meets in somebody's network
            reason = error_in_words(error)
            raise ConfigError(f"format=onnx: ONNX cannot have this network ({reason}); nothing was written") from error


def _agreement(file: Path, raw: Any, rows: NDArray[Any], model: LoadedModel) -> Agreement:
    """Compare the file's answers to coded rows with the model's to raw ones. Raises ConfigError if they differ."""
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    largest = 0.0
    for start in range(0, len(rows), _BATCH):
        some = slice(start, start + _BATCH)
        index, probabilities = session.run(None, {session.get_inputs()[0].name: rows[some]})
        answers = model.predict(raw[some])
        expected = np.array([list(shares.values()) for shares in answers["probabilities"]])
        largest = max(largest, float(np.abs(probabilities - expected).max()))
        classes = [model.classes[place] for place in index]
        if classes != answers["class"].tolist() or not largest <= TOLERANCE:  # NaN is neither
            raise ConfigError(
                f"format=onnx: ONNX Runtime answers otherwise than the model, from row {start} of the test set on "
                f"(probabilities differ by {largest:.2g}); nothing was written"
            )
    return Agreement(len(rows), largest)


def _module(folder: Path, settings: dict[str, Any]) -> "nn.Module":
    match settings["network"]:
        case "arrays":
            from mlplab.engines.onnx_graph import scratch_module

            with np.load(folder / "artifacts" / "weights.npz", allow_pickle=False) as stored:
                return scratch_module(dict(stored), settings["activation"], settings["scaling"])
        case "torch_graph":
            import mlflow.pytorch

            graph: nn.Module = mlflow.pytorch.load_model(str(folder / "artifacts" / "graph"))
            return graph
        case other:
            raise ValueError(f"{other}: no such network")

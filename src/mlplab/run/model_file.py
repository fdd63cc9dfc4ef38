"""Saves the trained network, in the format of its engine."""

import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, assert_never

import numpy as np

from mlplab.config import Activation, Engine
from mlplab.data import Coding, Scaling, encoding
from mlplab.engines.registry import ENGINES, ModelFormat
from mlplab.scratch import activations
from mlplab.scratch.network import Layers
from mlplab.tracking import model


def save_model(
    folder: Path,
    engine: Engine,
    activation: Activation,
    layers: Layers,
    scaling: Scaling,
    coding: Coding | None = None,
) -> None:
    """Create ``folder``, and save the network into it in the format of its engine; if that fails, remove it again.

    With the ``coding`` of people's own data it takes their raw rows and returns their labels.
    """
    try:
        if coding is None:
            _save(folder, engine, activation, layers, scaling, np.dtype(np.uint8))
            return
        with tempfile.TemporaryDirectory() as temporary:
            network = Path(temporary) / "network"
            _save(network, engine, activation, layers, scaling, coding.rows.dtype)
            model.save_raw(folder, network, _form(coding))
    except Exception:
        shutil.rmtree(folder, ignore_errors=True)  # on a full disk it is cut off
        raise


def _form(coding: Coding) -> model.RawForm:
    rows = coding.rows
    code = Path(encoding.__file__)
    return model.RawForm(rows.settings(), code, rows.libraries, rows.example(), rows.raw_shape, coding.labels)


def _save(
    folder: Path, engine: Engine, activation: Activation, layers: Layers, scaling: Scaling, dtype: np.dtype[Any]
) -> None:
    model_format = ENGINES[engine].model_format
    match model_format:
        case ModelFormat.arrays:
            arrays = {
                f"{kind}{i}": array for i, pair in enumerate(layers) for kind, array in zip("Wb", pair, strict=True)
            }
            code = Path(activations.__file__)
            model.save_scratch(folder, arrays, activation, code, asdict(scaling), dtype)
        case ModelFormat.torch_graph:
            from mlplab.engines.torch_network import classifier

            model.save_torch(folder, classifier(layers, activation, scaling), len(layers[0][0]), dtype)
        case _:
            assert_never(model_format)

"""Saves the trained network, in the format of its engine."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import assert_never

from mlplab.config import Activation, TrainConfig
from mlplab.config import Engine as EngineName
from mlplab.data import Dataset, Scaling
from mlplab.engines.base import Engine, MlpEngine
from mlplab.engines.registry import ENGINES, ModelFormat
from mlplab.schema import MODEL
from mlplab.scratch import activations
from mlplab.scratch.network import Layers
from mlplab.tracking import model


def save_trained(folder: Path, settings: TrainConfig, engine: Engine, dataset: Dataset) -> None:
    """Save the network that an engine has trained, below ``folder``, the run's artifacts."""
    if isinstance(engine, MlpEngine):
        save_model(folder / MODEL, settings.engine, settings.activation, engine.layers(), dataset.scaling)
        return
    from mlplab.engines.own_engine import OwnEngine
    from mlplab.run.own_model import save_own_model

    assert isinstance(engine, OwnEngine)
    save_own_model(folder, settings.network, engine, dataset)


def save_model(folder: Path, engine: EngineName, activation: Activation, layers: Layers, scaling: Scaling) -> None:
    """Create ``folder``, and save the network into it in the format of its engine; if that fails, remove it again."""
    try:
        _save(folder, engine, activation, layers, scaling)
    except Exception:
        shutil.rmtree(folder, ignore_errors=True)  # on a full disk it is cut off
        raise


def _save(folder: Path, engine: EngineName, activation: Activation, layers: Layers, scaling: Scaling) -> None:
    model_format = ENGINES[engine].model_format
    match model_format:
        case ModelFormat.arrays:
            arrays = {
                f"{kind}{i}": array for i, pair in enumerate(layers) for kind, array in zip("Wb", pair, strict=True)
            }
            code = Path(activations.__file__)
            model.save_scratch(folder, arrays, activation, code, asdict(scaling))
        case ModelFormat.torch_graph:
            from mlplab.engines.torch_network import classifier

            model.save_torch(folder, classifier(layers, activation, scaling), len(layers[0][0]))
        case _:
            assert_never(model_format)

"""Saves the trained network, in the format of its engine."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, assert_never

import numpy as np

from mlplab.config import Activation, TrainConfig
from mlplab.config import Engine as EngineName
from mlplab.data import Coding, Dataset, Scaling
from mlplab.engines.base import Engine, MlpEngine
from mlplab.engines.registry import ENGINES, ModelFormat
from mlplab.run.coded_model import save_coded
from mlplab.schema import MODEL
from mlplab.scratch import activations
from mlplab.scratch.network import Layers
from mlplab.tracking import model


def save_trained(folder: Path, settings: TrainConfig, engine: Engine, dataset: Dataset) -> None:
    """Save the network that an engine has trained, below ``folder``, the run's artifacts."""
    if isinstance(engine, MlpEngine):
        layers, scaling = engine.layers(), dataset.scaling
        save_model(folder / MODEL, settings.engine, settings.activation, layers, scaling, dataset.coding)
        return
    from mlplab.engines.own_engine import OwnEngine
    from mlplab.run.own_model import save_own_model

    assert isinstance(engine, OwnEngine)
    save_own_model(folder, settings.network, engine, dataset)


def save_model(
    folder: Path,
    engine: EngineName,
    activation: Activation,
    layers: Layers,
    scaling: Scaling,
    coding: Coding | None = None,
) -> None:
    """Create ``folder``, and save the network into it in the format of its engine; if that fails, remove it again.

    With the ``coding`` of people's own data it takes their raw rows and returns their labels.
    """

    def save_network(network: Path, dtype: np.dtype[Any]) -> None:
        _save(network, engine, activation, layers, scaling, dtype)

    save_coded(folder, coding, save_network)


def _save(
    folder: Path, engine: EngineName, activation: Activation, layers: Layers, scaling: Scaling, dtype: np.dtype[Any]
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

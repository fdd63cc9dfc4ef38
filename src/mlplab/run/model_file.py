"""Saves the trained network, in the format of its engine."""

from dataclasses import asdict
from pathlib import Path
from typing import assert_never

from mlplab.config import Activation, TrainConfig
from mlplab.config import Engine as EngineName
from mlplab.data import Dataset, Scaling
from mlplab.engines.base import Engine, MlpEngine
from mlplab.engines.registry import ENGINES, ModelFormat
from mlplab.run.model_form import form_of, whole_or_none
from mlplab.schema import MODEL
from mlplab.scratch import activations
from mlplab.scratch.network import Layers
from mlplab.tracking import model


def save_trained(folder: Path, settings: TrainConfig, engine: Engine, dataset: Dataset) -> None:
    """Save the network that an engine has trained, below ``folder``, the run's artifacts."""
    if isinstance(engine, MlpEngine):
        layers, scaling = engine.layers(), dataset.scaling
        save_model(folder / MODEL, settings.engine, settings.activation, layers, scaling, form_of(dataset))
        return
    from mlplab.engines.own_engine import OwnEngine
    from mlplab.run.own_model import save_own_model

    assert isinstance(engine, OwnEngine)
    save_own_model(folder, settings.network, engine, dataset)


def save_model(
    folder: Path, engine: EngineName, activation: Activation, layers: Layers, scaling: Scaling, form: model.RowForm
) -> None:
    """Create ``folder``, and save the network into it in the format of its engine; if that fails, remove it again."""
    model_format = ENGINES[engine].model_format
    with whole_or_none(folder):
        match model_format:
            case ModelFormat.arrays:
                arrays = {
                    f"{kind}{i}": array
                    for i, pair in enumerate(layers)
                    for kind, array in zip("Wb", pair, strict=True)
                }
                code = Path(activations.__file__)
                model.save_scratch(folder, arrays, activation, code, asdict(scaling), form)
            case ModelFormat.torch_graph:
                from mlplab.engines.torch_network import logits_of_rows

                model.save_torch(folder, logits_of_rows(layers, activation, scaling), len(layers[0][0]), form)
            case _:
                assert_never(model_format)

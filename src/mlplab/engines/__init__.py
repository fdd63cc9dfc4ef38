"""The engines: two ways to compute the same run, behind one interface (``base``)."""

import numpy as np

from mlplab import config
from mlplab.data import Dataset
from mlplab.engines.base import Engine, Layers
from mlplab.errors import ConfigError
from mlplab.scratch.initializers import INITIALIZERS, initialize


def build(settings: config.TrainConfig, dataset: Dataset, rng: np.random.Generator) -> Engine:
    """Return the engine that the config asks for, bound to the data, its weights drawn from ``rng``.

    The weights are drawn here for either engine, so that both start from the same numbers.

    Raises:
        ConfigError: the device, or the memory, is not there.
    """
    sizes = [dataset.inputs, *settings.hidden_sizes, dataset.classes]
    try:
        layers = initialize(INITIALIZERS[settings.init], rng, sizes)
        return _build(settings, dataset, [(settings.init_scale * W_IO, b_O) for W_IO, b_O in layers])
    except MemoryError as error:
        raise ConfigError(f"hidden_sizes={settings.hidden_sizes}: needs more memory than there is") from error


def _build(settings: config.TrainConfig, dataset: Dataset, layers: Layers) -> Engine:
    if settings.engine is config.Engine.torch:
        from mlplab.engines.torch_engine import TorchEngine  # torch takes over a second to import

        return TorchEngine(settings, dataset, layers)
    from mlplab.engines.numpy_engine import NumpyEngine

    return NumpyEngine(settings, dataset, layers)


__all__ = ["Engine", "build"]

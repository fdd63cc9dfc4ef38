"""The engines: ways to compute the same run, behind one interface.

training/ and run/ enter here, by ``build``. Read ``base`` first, then ``registry``; ``numpy_engine`` wraps scratch/,
``torch_engine`` PyTorch.
"""

import numpy as np

from mlplab.config import TrainConfig
from mlplab.data import Dataset
from mlplab.engines.base import Engine
from mlplab.engines.registry import ENGINES
from mlplab.errors import ConfigError
from mlplab.scratch.initializers import INITIALIZERS, initialize


def build(settings: TrainConfig, dataset: Dataset, rng: np.random.Generator) -> Engine:
    """Return the engine that the config asks for, bound to the data, its weights drawn from ``rng``.

    The weights are drawn here for every engine, so that all start from the same numbers.

    Raises:
        ConfigError: the device is unavailable, or memory is too small.
    """
    sizes = [dataset.inputs, *settings.hidden_sizes, dataset.classes]
    try:
        layers = initialize(INITIALIZERS[settings.init], rng, sizes)
        scaled = [(settings.init_scale * W_IO, b_O) for W_IO, b_O in layers]
        return ENGINES[settings.engine].bind(settings, dataset, scaled)
    except MemoryError as error:
        raise ConfigError(
            f"hidden_sizes={settings.hidden_sizes}: needs more memory than there is; take smaller layers"
        ) from error


__all__ = ["ENGINES", "Engine", "build"]

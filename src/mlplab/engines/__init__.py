"""The engines: ways to compute the same run, behind one interface.

training/ and run/ enter here, by ``build``. Read ``base`` first, then ``registry``; ``numpy_engine`` wraps scratch/,
``torch_engine`` PyTorch.
"""

import numpy as np

from mlplab.config import TrainConfig
from mlplab.data import Dataset
from mlplab.engines.base import Engine
from mlplab.engines.memory import least_memory
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
        for W_IO, _ in layers:
            W_IO *= settings.init_scale  # in place: a copy of a large layer may be more than there is
        return ENGINES[settings.engine].bind(settings, dataset, layers)
    except MemoryError as error:
        raise ConfigError(
            f"hidden_sizes={settings.hidden_sizes}: needs more memory than there is; take smaller layers"
        ) from error


__all__ = ["ENGINES", "Engine", "build", "least_memory"]

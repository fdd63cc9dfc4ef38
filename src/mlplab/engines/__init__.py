"""The engines: ways to compute the same run, behind one interface.

training/ and run/ enter here, by ``build``. Read ``base`` first, then ``registry``; ``numpy_engine`` wraps scratch/,
``torch_engine`` PyTorch. ``cnn`` is a network, ``own_module`` makes it or anybody's, and ``own_engine`` trains it.
"""

from typing import TYPE_CHECKING

import numpy as np

from mlplab.config import TrainConfig
from mlplab.data import Dataset
from mlplab.engines.base import Engine
from mlplab.engines.memory import least_memory, least_memory_of_own
from mlplab.engines.registry import ENGINES
from mlplab.errors import ConfigError
from mlplab.scratch.initializers import INITIALIZERS, initialize

if TYPE_CHECKING:
    from mlplab.engines.own_module import Make, OwnModule


def make_own(settings: TrainConfig, dataset: Dataset, make: "Make | None") -> "OwnModule | None":
    """Return the network that ``make`` makes for this data; None for the mlp, which is built by the engine.

    Raises:
        ConfigError: it does not fit the data.
    """
    if settings.has_mlp:
        return None
    if make is None:
        raise ValueError(f"{settings.network}: needs a function that makes it")
    from mlplab.engines.own_module import make_module  # PyTorch takes a second to import

    return make_module(settings, dataset, make)


def build(settings: TrainConfig, dataset: Dataset, rng: np.random.Generator, own: "OwnModule | None" = None) -> Engine:
    """Return the engine that the config asks for, bound to the data: of the network ``own``, or of the mlp.

    The mlp's weights are drawn here from ``rng``, so that all engines start from the same numbers.

    Raises:
        ConfigError: the device is unavailable, or memory is too small.
    """
    if own is not None:
        from mlplab.engines.own_engine import OwnEngine

        return OwnEngine(settings, dataset, own)
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


__all__ = ["ENGINES", "Engine", "build", "least_memory", "least_memory_of_own", "make_own"]

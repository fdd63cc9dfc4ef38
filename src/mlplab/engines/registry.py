"""The registry of engines. A new one needs a member of ``config.Engine``, a file, and an entry here."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from mlplab.config import Engine as EngineName
from mlplab.config import TrainConfig
from mlplab.data import Dataset
from mlplab.engines.base import Engine
from mlplab.scratch.network import Layers

ModelFormat = StrEnum("ModelFormat", ["arrays", "torch_graph"])


@dataclass(frozen=True)
class Entry:
    """An engine.

    Attributes:
        libraries: the packages that compute; their versions are part of a run's fingerprint.
        bind: builds the engine from config, data and initial layers. Only then it imports the engine's file, since
            PyTorch takes a second to import.
        model_format: how its trained network is saved: as arrays beside the scratch library's forward pass, or as an
            exported PyTorch graph.
    """

    libraries: tuple[str, ...]
    bind: Callable[[TrainConfig, Dataset, Layers], Engine]
    model_format: ModelFormat


def _numpy(settings: TrainConfig, dataset: Dataset, layers: Layers) -> Engine:
    from mlplab.engines.numpy_engine import NumpyEngine

    return NumpyEngine(settings, dataset, layers)


def _torch(settings: TrainConfig, dataset: Dataset, layers: Layers) -> Engine:
    from mlplab.engines.torch_engine import TorchEngine

    return TorchEngine(settings, dataset, layers)


ENGINES: dict[EngineName, Entry] = {
    EngineName.numpy: Entry(("numpy", "scipy"), _numpy, ModelFormat.arrays),
    EngineName.torch: Entry(("numpy", "torch"), _torch, ModelFormat.torch_graph),
}

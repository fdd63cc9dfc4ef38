"""Start a run: the data loads in the background during two seconds of imports.

Heavy imports stand inside functions, so that neither --help nor a wrong key waits for MLflow and scikit-learn.
"""

from collections.abc import Mapping
from dataclasses import astuple
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mlplab import config, environment
from mlplab.app.own_network import maker_of
from mlplab.background import in_background
from mlplab.data_config import DataConfig

if TYPE_CHECKING:
    from mlplab.data import Dataset
    from mlplab.run.pipeline import Result
    from mlplab.training.judge import Pruner


def start_run(
    settings: config.TrainConfig,
    output_folder: Path,
    pruner: "Pruner | None" = None,
    more_tags: Mapping[str, str] = MappingProxyType({}),
) -> "Result":
    """Carry out the run of this config: see :func:`mlplab.run.pipeline.train_and_record`."""
    from mlplab import data
    from mlplab.training.streams import random_streams

    load = partial(load_data, settings.data, settings.seed, settings.dtype)
    # Threads that import at the same time can see half-initialized modules: the background thread imports nothing.
    loaded = in_background(load).result if data.is_at_hand(settings.data) else load
    from mlplab.run import pipeline

    environment.imports_are_done()
    streams, make = random_streams(settings.seed), maker_of(settings.network)
    result = pipeline.train_and_record(settings, loaded, streams, output_folder, make, pruner, more_tags)
    if settings.register is not None and settings.tracking.sweep is None:  # of a sweep the winner alone
        from mlplab.models.after_training import register_run
        from mlplab.store.target import Target

        register_run(Target.of(settings.tracking), result.run_id, settings.register)
    return result


def load_data(data: DataConfig, seed: int, dtype: config.DType) -> "Dataset":
    """Return the data of a config: the same object when it is asked for again. Raises DataError, ConfigError."""
    draws = data.val_size > 0 or data.train_size is not None
    return _load(astuple(data), seed if draws else 0, dtype)  # without random splits it is the same for every seed


@lru_cache(maxsize=1)  # the members of a sweep that run in one process load their data once
def _load(data_config: tuple[Any, ...], seed: int, dtype: config.DType) -> "Dataset":
    return load_afresh(DataConfig(*data_config), seed, dtype)


def load_afresh(data: DataConfig, seed: int, dtype: config.DType) -> "Dataset":
    """Return the data of a config, which this process does not keep. Raises DataError, ConfigError."""
    from mlplab.data import load
    from mlplab.training.streams import random_streams

    return load(data, random_streams(seed).splits, dtype)

"""Start a run: the data loads in the background during two seconds of imports.

Heavy imports stand inside functions, so that neither --help nor a wrong key waits for MLflow and scikit-learn.
"""

from dataclasses import astuple
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlplab import config, environment
from mlplab.app.own_network import maker_of
from mlplab.background import in_background
from mlplab.data_config import DataConfig

if TYPE_CHECKING:
    from mlplab.data import Dataset
    from mlplab.run.pipeline import Result
    from mlplab.training.judge import Pruner


def start_run(settings: config.TrainConfig, output_folder: Path, pruner: "Pruner | None" = None) -> "Result":
    """Carry out the run of this config: see :func:`mlplab.run.pipeline.train_and_record`."""
    from mlplab import data
    from mlplab.training.streams import random_streams

    draws = settings.data.val_size > 0 or settings.data.train_size is not None
    seed = settings.seed if draws else 0  # without random splits the data is the same for every seed
    load = partial(_load, astuple(settings.data), seed, settings.dtype)
    # Threads that import at the same time can see half-initialized modules: the background thread imports nothing.
    loaded = in_background(load).result if data.is_at_hand(settings.data) else load
    from mlplab.run import pipeline

    environment.imports_are_done()
    streams, make = random_streams(settings.seed), maker_of(settings.network)
    result = pipeline.train_and_record(settings, loaded, streams, output_folder, make, pruner)
    if settings.register is not None and settings.tracking.sweep is None:  # of a sweep the winner alone
        from mlplab.models.after_training import register_run
        from mlplab.store.target import Target

        register_run(Target.of(settings.tracking), result.run_id, settings.register)
    return result


@lru_cache(maxsize=1)  # the members of a sweep that run in one process load their data once
def _load(data_config: tuple[Any, ...], seed: int, dtype: config.DType) -> "Dataset":
    from mlplab import data
    from mlplab.training.streams import random_streams

    return data.load(DataConfig(*data_config), random_streams(seed).splits, dtype)

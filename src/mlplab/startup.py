"""From a config to a run without waiting twice: the data loads while the imports take their two seconds.

Here, and not at the top of files, because neither --help nor a wrong key should wait for MLflow and scikit-learn.
"""

import gc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlplab import config

if TYPE_CHECKING:
    from mlplab.data import Dataset
    from mlplab.experiment import Result


def run(settings: config.TrainConfig, output_folder: Path) -> "Result":
    """Run the experiment of this config: see :func:`mlplab.experiment.run`."""
    from mlplab import training

    with ThreadPoolExecutor(1) as background:
        draws = settings.data.val_size > 0 or settings.data.train_size is not None
        seed = settings.seed if draws else 0  # without drawn splits the data is the same for every seed
        loading = background.submit(_load, astuple(settings.data), seed, settings.dtype)
        from mlplab import experiment

        _collect_garbage_from_now_on()
        return experiment.run(settings, loading.result, training.random_streams(settings.seed), output_folder)


@lru_cache(maxsize=1)  # the members of a sweep that run in one process load their data once
def _load(data_config: tuple[Any, ...], seed: int, dtype: config.DType) -> "Dataset":
    from mlplab import data, training

    return data.load(config.DataConfig(*data_config), training.random_streams(seed).splits, dtype)


def _collect_garbage_from_now_on() -> None:
    """End the ``gc.disable()`` of the entry script.

    What imports make stays to the end: to look through it for garbage, again and again, would cost 1.4 seconds.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()

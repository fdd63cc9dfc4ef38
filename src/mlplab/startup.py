"""From a config to a run without waiting twice: the data loads while the imports take their two seconds.

Here, and not at the top of files, because neither --help nor a wrong key should wait for MLflow and scikit-learn.
"""

import gc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from mlplab import config

if TYPE_CHECKING:
    from mlplab.experiment import Result


def run(settings: config.TrainConfig, output_folder: Path) -> "Result":
    """Run the experiment of this config: see :func:`mlplab.experiment.run`."""
    from mlplab import data, training

    with ThreadPoolExecutor(1) as background:
        streams = training.random_streams(settings.seed)
        loading = background.submit(data.load, settings.data, streams.splits, settings.dtype)
        from mlplab import experiment

        _collect_garbage_from_now_on()
        return experiment.run(settings, loading.result, streams, output_folder)


def _collect_garbage_from_now_on() -> None:
    """End the ``gc.disable()`` of the entry script.

    What imports make stays to the end: to look through it for garbage, again and again, would cost 1.4 seconds.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()

"""Process-wide settings of a command, with the reason for each. Importing mlplab changes none of them.

The commands and the worker processes of their launchers call this; a notebook does not.
"""

import gc
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mlplab.paths import worker_variables

_FULL_ERROR = "HYDRA_FULL_ERROR"
_LOGGING_LEVEL = "MLFLOW_LOGGING_LEVEL"
_MLFLOW = {
    # By default MLflow waits four minutes for a server that does not answer. Who sends asks again anyway.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    # By default it prints every migration of its schema and a progress bar for every artifact, between our lines.
    _LOGGING_LEVEL: "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # By default it prints links of its own whenever a run ends, with the password of the address in them.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


# urllib3 warns at every retry: that would bury the one message that says what is wrong. MLflow prints every error of a
# database with its traceback, and raises it anyway.
_LEVELS = {"urllib3.connectionpool": logging.ERROR, "mlflow.store.db.utils": logging.CRITICAL}


_OURS = ("MLFLOW_", "MLPLAB_", "PYTHONPATH")  # what a command, a sweep and a launcher set


class _Garbage:
    waits = False  # for the imports to be done


def prepare_command() -> None:
    """Apply all settings. Call this before the heavy imports: MLflow reads some of the variables on import."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed; libraries write there without asking
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - until the process ends
    _Garbage.waits = True
    gc.disable()  # until imports_are_done(): collecting garbage during the imports takes more than a second
    prepare_worker()


def prepare_worker() -> None:
    """Apply the settings of a worker process. It may call this before every job, and collects garbage as ever."""
    for name, value in _MLFLOW.items():
        os.environ.setdefault(name, value)
    # A notebook hands its own backend on to commands, where Matplotlib may not know it; we draw into files only.
    os.environ["MPLBACKEND"] = "agg"
    for name, level in _LEVELS.items():
        logging.getLogger(name).setLevel(level)


@contextmanager
def lent_variables() -> Iterator[None]:
    """Set, inside the block, the variables for a call in somebody's process; afterwards it has its own again.

    MPLBACKEND is not among them: Matplotlib would keep it. Nor is the level of MLflow's logs: MLflow would. What a
    library sets for itself on import stays.
    """
    before = dict(os.environ)
    for name, value in _MLFLOW.items():
        if name != _LOGGING_LEVEL:
            os.environ.setdefault(name, value)
    os.environ.update(worker_variables())
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith(_OURS)]:
            del os.environ[name]
        os.environ.update({name: value for name, value in before.items() if name.startswith(_OURS)})


@contextmanager
def quiet_logs() -> Iterator[None]:
    """Hold back, inside the block, what Hydra, MLflow and urllib3 log of their work.

    MLflow is imported already, which sets its levels.
    """
    levels = {**_LEVELS, "hydra": logging.WARNING, "mlflow": logging.WARNING}
    before = {name: logging.getLogger(name).level for name in levels}
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def imports_are_done() -> None:
    """Turn garbage collection on, but exempt the imported objects: they live until the process ends."""
    if _Garbage.waits:
        _Garbage.waits = False
        gc.freeze()
        gc.enable()


def take_errors_from_hydra() -> bool:
    """Let errors pass through Hydra unchanged; return whether the user asked for tracebacks (HYDRA_FULL_ERROR=1)."""
    asked = os.environ.get(_FULL_ERROR) == "1"
    os.environ[_FULL_ERROR] = "1"
    return asked

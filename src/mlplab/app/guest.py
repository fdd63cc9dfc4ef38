"""A call from Python: what it needs of the process it gives back, and every error of the user is a UserError."""

import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from mlplab import environment, signals
from mlplab.app import composition
from mlplab.app.commandline import message_of, own_process
from mlplab.app.passwords import hide_password_of_variable
from mlplab.errors import ConfigError
from mlplab.logfile import LogFile
from mlplab.paths import require_root
from mlplab.store.uri import PublicFormatter, public

_ONE_AT_A_TIME = threading.RLock()  # a property of a result may be read while another thread trains
_LOGGER = logging.getLogger("mlplab")
_TERMINAL_FORMAT = "%(levelname)s: %(message)s"  # both as in conf/hydra/job_logging/mlplab.yaml
_FILE_FORMAT = "[%(asctime)s][%(name)s][%(levelname)s] %(message)s"


@contextmanager
def as_guest(names_store: bool = False) -> Iterator[None]:
    """Do, inside the block, what a command does; afterwards variables, handlers, levels and logs are as before.

    Args:
        names_store: whether the call itself says where runs are kept, so that MLFLOW_TRACKING_URI does not count.

    Raises:
        KeyboardInterrupt: after Ctrl-C, once everything is saved.
        UserError: also where Hydra raises an error of its own.
    """
    with _ONE_AT_A_TIME, ExitStack() as stack:
        stack.enter_context(environment.lent_variables())
        _import_mlflow()
        stack.enter_context(environment.quiet_logs())
        stack.enter_context(own_log())
        stack.enter_context(own_process())
        stack.enter_context(_explained())
        stack.enter_context(signals.interruptible())
        hide_password_of_variable(is_used=not names_store)
        require_root()
        composition.register()
        yield


def _import_mlflow() -> None:
    """Import it before anything changes the levels of its loggers: it sets them on import, and they must last."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "IProgress not found")  # a bar that MLflow would draw with ipywidgets
        import mlplab.store.client  # noqa: F401


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except signals.Stopped:
        raise KeyboardInterrupt from None
    except (HydraException, OmegaConfBaseException, YAMLError, UnicodeDecodeError) as error:
        message = message_of(error)
        if message is None:
            raise
        raise ConfigError(public(message)) from error


@contextmanager
def own_log() -> Iterator[None]:
    """Show warnings as a command does, and leave the handlers and levels of other loggers alone."""
    shown = logging.StreamHandler(sys.stderr)
    shown.setLevel(logging.WARNING)
    shown.setFormatter(PublicFormatter(_TERMINAL_FORMAT))
    level, propagates = _LOGGER.level, _LOGGER.propagate
    _LOGGER.addHandler(shown)
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False
    try:
        yield
    finally:
        _LOGGER.removeHandler(shown)
        _LOGGER.setLevel(level)
        _LOGGER.propagate = propagates


@contextmanager
def logged_into(folder: Path) -> Iterator[None]:
    """Write what a run in this folder logs into a file there, as Hydra does for a command."""
    file = LogFile(folder / "train.log", encoding="utf-8", delay=True)
    file.setFormatter(PublicFormatter(_FILE_FORMAT))
    _LOGGER.addHandler(file)
    try:
        yield
    finally:
        _LOGGER.removeHandler(file)
        file.close()

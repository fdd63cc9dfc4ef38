"""Around an entry script: every fault that a person can mend is one message, and a signal is an orderly end."""

import errno
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf.errors import OmegaConfBaseException

from mlplab.composition import explain
from mlplab.errors import UserError

log = logging.getLogger(__name__)

_FULL_ERROR = "HYDRA_FULL_ERROR"
_DISK_ERRORS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR)


class Stopped(KeyboardInterrupt):
    """A signal asked the process to stop."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.exit_status = 128 + signal_number


def main(entry: Callable[[], None]) -> None:
    """Run a Hydra entry point; exit with status 1 and one message for what the user can mend.

    SIGINT and SIGTERM raise :class:`Stopped` inside it, and end with status 130 and 143.
    With HYDRA_FULL_ERROR=1 in the environment every error shows its traceback.
    """
    show_traceback = os.environ.get(_FULL_ERROR) == "1"
    os.environ[_FULL_ERROR] = "1"  # lets errors pass through Hydra to the lines below, which say it better
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        entry()
    except Stopped as stopped:
        sys.exit(stopped.exit_status)
    except (UserError, HydraException, OmegaConfBaseException, OSError) as error:
        message = _message(error)
        if show_traceback or message is None:
            raise
        print(f"ERROR: {message}", file=sys.stderr)
        sys.exit(1)


@contextmanager
def task_errors() -> Iterator[None]:
    """Around the body of a Hydra task: say what is wrong, on the terminal and in the log file.

    A single run ends here with status 1, before Hydra adds lines of its own. In a sweep the error goes on to the
    sweeper, so that the other members run.
    """
    try:
        yield
    except UserError as error:
        log.error("%s", error)  # noqa: TRY400 - its traceback would tell the user nothing
        if HydraConfig.get().mode is RunMode.MULTIRUN:
            raise
        sys.exit(1)


def _message(error: Exception) -> str | None:
    """Return what to tell the user; None for an error that is not theirs to mend."""
    if isinstance(error, HydraException | OmegaConfBaseException):
        return explain(error)
    if isinstance(error, OSError):
        if error.errno not in _DISK_ERRORS:
            return None
        return f"{error.filename or 'disk'}: cannot be written ({error.strerror}); make it writable, or free space"
    return str(error)


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # the end is near: a second signal would only cut it off half-written
    print(
        f"\n{signal.Signals(number).name}: stopping, writing down what was measured",
        file=sys.stderr,
        flush=True,
    )
    raise Stopped(number)

"""What surrounds a command: a user error becomes one message, a signal an orderly end."""

import errno
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError, YAMLError

from mlplab import environment, signals
from mlplab.app.composition import explain, unreadable_preset
from mlplab.app.passwords import hide_typed_passwords
from mlplab.errors import SkippedError, UserError
from mlplab.paths import require_root
from mlplab.store.uri import public
from mlplab.sweeps.orphans import at_work
from mlplab.terminal import is_worker, say, say_on_stderr
from mlplab.typed import note_typed

log = logging.getLogger(__name__)

_REMEDIES = {
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "make it writable, or choose another place"),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "free space; then the same command with resume=true goes on"),
    **dict.fromkeys((errno.ENOTDIR, errno.ENOENT, errno.EISDIR, errno.EEXIST), "choose another place"),
    **dict.fromkeys((errno.ENAMETOOLONG, errno.ELOOP), "choose a shorter path"),
    errno.EIO: "check the disk",
}
_FORMER_SPELLINGS = {"hydra/launcher=plan": "plan=true"}


class _Process:
    is_own = False  # True in a command, and while Python calls: False in a launcher's worker, which only runs tasks
    shows_tracebacks = False
    output_folder: Path | None = None  # of a single run, once Hydra has composed its config
    has_begun = False  # whether Hydra has called the task


def run_command(command: Callable[[], None]) -> None:
    """Run a command; on an error that the user can fix, print one message and exit with status 1.

    SIGINT, SIGTERM and SIGHUP raise :class:`signals.Stopped` inside it; the exit status is then 128 + their number.
    With HYDRA_FULL_ERROR=1 in the environment every error shows its traceback.
    """
    sys.argv[1:] = [_FORMER_SPELLINGS.get(text, text) for text in sys.argv[1:]]
    hide_typed_passwords()
    note_typed()
    if "--version" in sys.argv[1:]:
        say(f"mlplab {version('mlplab')}")
        return
    _Process.is_own = True
    _Process.shows_tracebacks = environment.take_errors_from_hydra()
    signals.install()
    try:
        require_root()
        command()
    except signals.Stopped as stopped:
        sys.exit(stopped.exit_status)
    except (UserError, HydraException, OmegaConfBaseException, OSError, ValueError, YAMLError) as error:
        message = message_of(error)
        if isinstance(error, OSError | ValueError) and _Process.output_folder is not None and not _Process.has_begun:
            remove_output_folder(_Process.output_folder)
        if _Process.shows_tracebacks or message is None:
            _raise_unless_stopped()
        say_on_stderr(f"ERROR: {public(message)}")
        sys.exit(1)
    except Exception:
        _raise_unless_stopped()
    else:
        if stopped_before := signals.raised():
            sys.exit(stopped_before.exit_status)
    finally:
        signals.uninstall()


def _raise_unless_stopped() -> NoReturn:
    """Raise the error that is being handled; if it came up because a library was interrupted, exit instead."""
    stopped = signals.raised()
    if stopped is None or _Process.shows_tracebacks:
        raise
    sys.exit(stopped.exit_status)


@contextmanager
def own_process() -> Iterator[None]:
    """Carry out tasks, inside the block, in this process, which is no launcher's: no signal may end it."""
    before, _Process.is_own = _Process.is_own, True
    try:
        yield
    finally:
        _Process.is_own = before


@contextmanager
def task_errors() -> Iterator[None]:
    """Handle the errors of a Hydra task: report them on the terminal and in the log file.

    A single run exits here with status 1, before Hydra prints lines of its own; if the run has not begun, its output
    folder is removed. In a sweep the error passes on to the sweeper, so that the other members run.
    """
    _Process.has_begun = True
    launched = is_worker() or not _Process.is_own
    with _launched() if launched else nullcontext(), _reported_errors():
        yield


@contextmanager
def _launched() -> Iterator[None]:
    """Prepare a worker process of a launcher for a task; end the process if a signal ended the task."""
    environment.prepare_worker()
    signals.install(announcing=False, heeds_second=is_worker())  # Ray interrupts a task every two seconds
    try:
        with at_work():
            yield
    finally:
        from mlplab.store.sqlite_file import close_databases  # the data loads while MLflow is imported

        with suppress(signals.Stopped):
            close_databases()
        if stopped := signals.raised():
            # The run has ended in order. If the worker lived on, its launcher would give it another run.
            os._exit(stopped.exit_status)


@contextmanager
def _reported_errors() -> Iterator[None]:
    try:
        yield
    except UserError as error:
        if _Process.shows_tracebacks:
            raise
        folder = Path(HydraConfig.get().runtime.output_dir)
        if HydraConfig.get().mode is RunMode.MULTIRUN:  # whose end says why, once for all that failed alike
            log.info("failed: %s", error)
            if not isinstance(error, SkippedError):
                say(f"run {folder.name} failed: {folder / 'train.log'}")
            raise
        log.error("%s", error)  # noqa: TRY400 - a traceback would not help the user
        remove_output_folder(folder)
        sys.exit(1)
    except Exception:
        if HydraConfig.get().mode is RunMode.MULTIRUN:
            log.exception("this member failed")  # Python prints the traceback of a single run
        raise


def remove_output_folder(folder: Path) -> None:
    """Remove what Hydra has written, and the folder and its parents as far as they are empty; unless a run began."""
    from mlplab.tracking.journal import NAME  # the data loads while MLflow is imported

    if os.path.exists(folder / NAME):  # False, and no error, for a path that cannot be
        return
    shutil.rmtree(folder / ".hydra", ignore_errors=True)
    with suppress(OSError):
        (folder / "train.log").unlink(missing_ok=True)
        for created in (folder, folder.parent, folder.parent.parent):  # outputs/DATE/TIME
            created.rmdir()


class NoteOutputFolder(Callback):
    """Notes where a single run writes, for a message about a disk that is full before it begins."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Called before a single run."""
        _Process.output_folder = Path(str(config.hydra.run.dir))


def message_of(error: Exception) -> str | None:
    """Return the message for the user; None for an error that the user cannot fix."""
    if isinstance(error, HydraException | OmegaConfBaseException):
        return explain(error)
    if isinstance(error, OSError):
        if error.errno not in _REMEDIES:
            return None
        folder = None if _Process.has_begun else _Process.output_folder
        where = error.filename or folder or "disk"  # an error on writing names no file
        return f"{where}: cannot be written ({error.strerror}); {_REMEDIES[error.errno]}"
    if isinstance(error, MarkedYAMLError) and (mark := error.problem_mark) is not None:
        return f"{mark.name}, line {mark.line + 1}: is no YAML ({error.problem}); mend the file"
    if isinstance(error, YAMLError):
        return f"a preset is no YAML ({error}); mend the file"
    if isinstance(error, UnicodeDecodeError):
        return unreadable_preset()
    if isinstance(error, ValueError):
        # Hydra's, when it cannot open the log file, whose name has hydra.job.name in it
        return message_of(error.__cause__) if isinstance(error.__cause__, OSError) else None
    return str(error)

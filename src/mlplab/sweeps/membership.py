"""What a member does for its sweep, in whichever process it runs: it tells the others that it failed, and it begins
only for the command that carries the sweep out now.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlplab.config import TrainConfig
from mlplab.errors import SkippedError

_LAUNCH = ".launch"  # a file in the sweep's folder: which command carries it out
_VARIABLE = "MLPLAB_LAUNCH"  # of the processes that this command launches
_FAILURE = ".failed"  # a file in the sweep's folder, created by the first failure


@contextmanager
def as_member(folder: Path) -> Iterator[None]:
    """Run a member of the sweep whose output is in ``folder``; if the member fails, leave a mark there."""
    try:
        yield
    except SkippedError:
        raise
    except Exception:
        (folder / _FAILURE).touch()
        raise


def require_no_failure(settings: TrainConfig, folder: Path) -> None:
    """Raise SkippedError if ``fail_fast`` is set and another member of this sweep has failed."""
    if settings.fail_fast and (folder / _FAILURE).exists():
        raise SkippedError(f"{settings.name}: skipped, because another run failed (fail_fast=true)")


def take_over(folder: Path) -> None:
    """Let this command be the one whose jobs begin: those that a former one left in a cluster's queue do not."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[_VARIABLE] = uuid.uuid4().hex
    (folder / _LAUNCH).write_text(os.environ[_VARIABLE], encoding="ascii")


def end_launch(folder: Path) -> None:
    """Let none of this command's jobs begin any more: it stops."""
    (folder / _LAUNCH).write_text("stopped", encoding="ascii")


def require_own_launch(settings: TrainConfig, folder: Path) -> None:
    """Raise SkippedError if the command that launched this job stops, or another has taken the sweep over."""
    launch = os.environ.get(_VARIABLE)
    if launch is not None and (folder / _LAUNCH).exists() and (folder / _LAUNCH).read_text("ascii") != launch:
        raise SkippedError(
            f"{settings.name}: skipped, because the command that launched it no longer carries the sweep out"
        )


def forget_failures(folder: Path) -> None:
    """Remove the mark of a failure."""
    (folder / _FAILURE).unlink(missing_ok=True)

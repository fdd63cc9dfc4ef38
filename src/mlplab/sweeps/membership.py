"""A run's side of its sweep, in whatever process the launcher put it: one failure is known to all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlplab.config import TrainConfig
from mlplab.errors import SkippedError

_FAILURE = ".failed"  # in the sweep's folder, from the first failure on


@contextmanager
def as_member(folder: Path) -> Iterator[None]:
    """Around a run of the sweep that keeps its output in ``folder``: note there that it failed."""
    try:
        yield
    except SkippedError:
        raise
    except Exception:
        (folder / _FAILURE).touch()
        raise


def require_no_failure(settings: TrainConfig, folder: Path) -> None:
    """Raise SkippedError where ``fail_fast`` is set and another member of this sweep has failed."""
    if settings.fail_fast and (folder / _FAILURE).exists():
        raise SkippedError(f"{settings.name}: not begun, since another run failed (fail_fast=true)")


def forget_failures(folder: Path) -> None:
    """Begin without a failure."""
    (folder / _FAILURE).unlink(missing_ok=True)

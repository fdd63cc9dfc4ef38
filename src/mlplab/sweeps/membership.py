"""What a member does for its sweep, in whichever process it runs: it tells the others that it failed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlplab.config import TrainConfig
from mlplab.errors import SkippedError

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


def forget_failures(folder: Path) -> None:
    """Remove the mark of a failure."""
    (folder / _FAILURE).unlink(missing_ok=True)

"""How a run ended, as its journal notes it."""

import time
from collections.abc import Mapping

from mlplab.errors import DivergedError
from mlplab.store.uri import public
from mlplab.tracking.records import End


def end_of(error: BaseException | None, final: Mapping[str, float], pruned: bool) -> End:
    """Return the end, now, of a run that this error ended: FINISHED (None), FAILED, or KILLED (by a signal).

    Args:
        error: what ended it.
        final: its final metrics.
        pruned: whether its training was pruned; it is so only if no error came after that.
    """
    status = _status(error)
    reason = public(str(error))[:1_000] if status == "FAILED" else ""
    diverged, was_pruned = isinstance(error, DivergedError), pruned and error is None
    return End(status, milliseconds(), reason, dict(final), diverged, was_pruned)


def _status(error: BaseException | None) -> str:
    if error is None:
        return "FINISHED"
    return "FAILED" if isinstance(error, Exception) else "KILLED"


def milliseconds() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000

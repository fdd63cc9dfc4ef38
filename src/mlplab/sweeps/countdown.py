"""The progress of a sweep that runs in other processes: a line whenever a run ends, with the time left."""

import threading
import time
from collections.abc import Callable
from types import TracebackType

from mlplab.terminal import format_duration, say

POLL_SECONDS = 2.0
MOST_SHARE = 50  # journals that take t seconds to read are read again after 50 t


class Countdown:
    """Prints the progress of a sweep, as a context manager."""

    def __init__(self, ended: Callable[[], int], total: int) -> None:
        """Count ``ended()`` up to ``total``."""
        self._ended, self._total = ended, total
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Countdown":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        start, shown, pause = time.monotonic(), 0, POLL_SECONDS
        while not self._over.wait(pause):
            asked = time.monotonic()
            ended = self._ended()
            if shown < ended < self._total:
                say(time_left(ended, self._total, time.monotonic() - start))
                shown = ended
            pause = max(POLL_SECONDS, MOST_SHARE * (time.monotonic() - asked))


def time_left(ended: int, total: int, seconds: float) -> str:
    """Return the line that shows the progress of a sweep after so many seconds.

    >>> time_left(3, 12, 60.0)
    '3 of 12 runs have ended; about 3 min left'
    """
    remaining = format_duration(seconds / ended * (total - ended))
    return f"{ended} of {total} runs have ended; about {remaining} left"

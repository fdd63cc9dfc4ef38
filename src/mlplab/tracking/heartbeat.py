"""A sign of life in the store, for other machines, which cannot see the process."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

SECONDS = 60.0
SILENCE_SECONDS = 15 * 60.0  # longer than a server takes to restart


class Heartbeat:
    """Calls a function every minute, in a thread of its own, until it is stopped."""

    def __init__(self, send: Callable[[], object]) -> None:
        """Prepare. Errors of ``send`` are ignored: the writing of points warns of a store that does not answer."""
        self._send, self._stopped = send, threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; may be called twice, and before :meth:`start`."""
        self._stopped.set()

    def _beat(self) -> None:
        while not self._stopped.wait(SECONDS):
            with suppress(Exception):
                self._send()


def beat() -> str:
    """Return the value of the tag, the time now: seconds since 1970."""
    return f"{time.time():.0f}"


def is_silent(tag: str | None) -> bool:
    """Tell whether the last sign of life is older than SILENCE_SECONDS; False for a run that never gave one."""
    return tag is not None and time.time() - float(tag) > SILENCE_SECONDS

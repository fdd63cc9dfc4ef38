"""A sign of life in the store, for those who cannot look at the process: the people at other machines."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

SECONDS = 60.0
SILENCE_SECONDS = 15 * 60.0  # longer than a server takes to come back, shorter than anybody waits for an answer


class Heartbeat:
    """Calls a function every minute, from a thread of its own, until it is stopped."""

    def __init__(self, send: Callable[[], object]) -> None:
        """Prepare; errors of ``send`` are ignored: a store that does not answer is said where points are lost."""
        self._send, self._stopped = send, threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; may be called twice, and before it began."""
        self._stopped.set()

    def _beat(self) -> None:
        while not self._stopped.wait(SECONDS):
            with suppress(Exception):
                self._send()


def beat() -> str:
    """Return the time, as the tag holds it: seconds since 1970."""
    return f"{time.time():.0f}"


def is_silent(tag: str | None) -> bool:
    """Tell whether a run with this tag has given no sign of life for long; without one nothing is known."""
    return tag is not None and time.time() - float(tag) > SILENCE_SECONDS

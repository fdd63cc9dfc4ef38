"""SIGINT, SIGTERM and SIGHUP as an exception that waits for critical sections to end."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType


class Stopped(KeyboardInterrupt):
    """A signal asked the process to stop."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.exit_status = 128 + signal_number


class _State:
    announcing = True
    holding = False
    waiting: int | None = None
    before_stopping: Callable[[], None] | None = None


def install(announcing: bool = True) -> None:
    """Make the signals raise :class:`Stopped` in the main thread; ``announcing``: also print a line."""
    _State.announcing = announcing
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:  # nohup ignores it on purpose
        signal.signal(hangup, _handle)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _handle)


@contextmanager
def held() -> Iterator[None]:
    """Hold back a signal that arrives inside the block: it raises at the end of the block."""
    if _State.holding:
        yield
        return
    _State.holding = True
    try:
        yield
    finally:
        _State.holding = False
        number, _State.waiting = _State.waiting, None
        if number is not None:
            raise Stopped(number)


@contextmanager
def before_stopping(action: Callable[[], None]) -> Iterator[None]:
    """Call ``action`` once before a signal that arrives inside the block raises. Errors of the action are ignored."""
    _State.before_stopping = action
    try:
        yield
    finally:
        _State.before_stopping = None


def _handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    if _State.announcing:
        with suppress(OSError, RuntimeError, ValueError):  # the terminal may be gone or busy
            print(
                f"\n{signal.Signals(number).name}: stopping; saving what was measured",
                file=sys.stderr,
                flush=True,
            )
    if _State.holding:
        _State.waiting = number
        return
    action, _State.before_stopping = _State.before_stopping, None
    if action is not None:
        with held(), suppress(Exception):  # Stopped must be raised even if the action fails
            action()
    raise Stopped(number)

"""SIGINT, SIGTERM and SIGHUP as an exception that never strikes in the middle of what must be whole."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """A signal asked the process to stop."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.exit_status = 128 + signal_number


class _State:
    announcing = True
    holding = False
    waiting: int | None = None
    first: Callable[[], None] | None = None


def install(announcing: bool = True) -> None:
    """From now on let the signals raise :class:`Stopped` in the main thread, and perhaps say so on the terminal."""
    _State.announcing = announcing
    for number in _SIGNALS:
        signal.signal(number, _handle)


@contextmanager
def held() -> Iterator[None]:
    """Keep a signal that comes meanwhile waiting: it raises at the end of the block."""
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
def doing_first(action: Callable[[], None]) -> Iterator[None]:
    """Before a signal that comes meanwhile raises, let ``action`` run: once. Its errors are ignored."""
    _State.first = action
    try:
        yield
    finally:
        _State.first = None


def _handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    if _State.announcing:
        with suppress(OSError, RuntimeError, ValueError):  # the terminal may be gone, or busy with a line of its own
            print(
                f"\n{signal.Signals(number).name}: stopping, writing down what was measured",
                file=sys.stderr,
                flush=True,
            )
    if _State.holding:
        _State.waiting = number
        return
    action, _State.first = _State.first, None
    if action is not None:
        with held(), suppress(Exception):  # whatever goes wrong there, the signal is what must be raised
            action()
    raise Stopped(number)

"""SIGINT, SIGTERM and SIGHUP as an exception that waits for critical sections to end, and never vanishes."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

TIME_LIMIT_STATUS = 128 + int(getattr(signal, "SIGUSR2", 0))  # of a process that a cluster warned of its time limit
AGAIN_SECONDS = 1.0  # a second Ctrl-C after this time is meant; before, it is a nervous finger
_SWALLOWED_SECONDS = 0.05


class Stopped(KeyboardInterrupt):
    """A signal asked the process to stop."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.number, self.exit_status = signal_number, 128 + signal_number


class _State:
    announcing = True
    heeds_second = True
    holding = False
    waiting: int | None = None  # arrived in a critical section
    raised: int | None = None  # raised, and not yet at the place that ends the process
    asked_at: float | None = None  # when the first of the signals arrived
    before_stopping: Callable[[], None] | None = None


def install(announcing: bool = True, heeds_second: bool = True) -> None:
    """Make the signals raise :class:`Stopped` in the main thread.

    Args:
        announcing: also print a line.
        heeds_second: a second Ctrl-C raises at once; otherwise it may be a launcher that repeats itself.
    """
    _State.announcing, _State.heeds_second = announcing, heeds_second
    _State.waiting = _State.raised = _State.asked_at = None
    for number in _handled():
        if number is signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP
            signal.signal(number, _handle)
    sys.unraisablehook = _send_again


def uninstall() -> None:
    """Let the signals end the process at once, without a traceback: it has nothing left to save."""
    _State.waiting = _State.raised = _State.asked_at = None
    for number in _handled():
        if signal.getsignal(number) is _handle:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise :class:`Stopped` inside the block, as in a command; afterwards everything is as before.

    Where Ctrl-C does not raise KeyboardInterrupt, and outside of the main thread, the handlers stay as they are.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    hook = sys.unraisablehook
    _State.announcing = _State.heeds_second = True
    _State.waiting = _State.raised = _State.asked_at = None
    signal.signal(signal.SIGINT, _handle)
    sys.unraisablehook = _send_again
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.unraisablehook = hook
        _State.waiting = _State.raised = _State.asked_at = None


@contextmanager
def kept() -> Iterator[None]:
    """Keep the handlers of signals, whatever a library that starts inside the block installs."""
    before = {number: signal.getsignal(number) for number in _handled()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def raised() -> "Stopped | None":
    """Return what was raised for a signal in this process, even if some library has swallowed or replaced it."""
    return None if _State.raised is None else Stopped(_State.raised)


@contextmanager
def held() -> Iterator[None]:
    """Hold back a signal that arrives inside the block: it raises at the end of the block.

    A second Ctrl-C raises at once. Signals arrive in the main thread; in any other this does nothing.

    Raises:
        Stopped: a signal arrived in the block, or a former one has been swallowed by some library.
    """
    if _State.holding or threading.current_thread() is not threading.main_thread():
        yield
        return
    _raise_swallowed()
    _State.holding = True
    try:
        yield
    finally:
        _State.holding = False
        number, _State.waiting = _State.waiting, None
        if number is not None:
            raise _stopped(number)


@contextmanager
def before_stopping(action: Callable[[], None]) -> Iterator[None]:
    """Call ``action`` once before a signal that arrives inside the block raises. Errors of the action are ignored."""
    _State.before_stopping = action
    try:
        yield
    finally:
        _State.before_stopping = None


def _handled() -> list[signal.Signals]:
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2")  # the last as SLURM is asked to send it; Windows lacks two
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def _handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    now = time.monotonic()
    is_second = (
        _State.heeds_second
        and number == signal.SIGINT
        and _State.asked_at is not None
        and now - _State.asked_at >= AGAIN_SECONDS
    )
    if _State.holding and is_second:
        _announce(number, "stopping at once")
    elif _State.raised != number:
        _announce(number, "stopping; saving what was measured")
    _State.asked_at = _State.asked_at or now
    if _State.holding and not is_second:
        _State.waiting = number
        return
    _State.holding, _State.waiting = False, None
    action, _State.before_stopping = _State.before_stopping, None
    if action is not None:
        with held(), suppress(Exception):  # Stopped must be raised even if the action fails
            action()
    raise _stopped(number)


def _announce(number: int, what: str) -> None:
    if _State.announcing:
        with suppress(OSError, RuntimeError, ValueError):  # the terminal may be gone or busy
            print(f"\n{signal.Signals(number).name}: {what}", file=sys.stderr, flush=True)


def _stopped(number: int) -> Stopped:
    _State.raised = number
    return Stopped(number)


def _raise_swallowed() -> None:
    """Raise again what was raised before, unless it is on its way to the place that ends the process."""
    on_its_way, error = False, sys.exc_info()[1]
    while error is not None:
        on_its_way, error = on_its_way or isinstance(error, Stopped), error.__context__
    if _State.raised is not None and not on_its_way:
        raise _stopped(_State.raised)


def _send_again(unraisable: "sys.UnraisableHookArgs") -> None:
    """Send a signal again whose exception was raised where Python drops it: in a finalizer or a weakref's callback."""
    error = unraisable.exc_value
    if isinstance(error, Stopped):
        # Not from here: Python would drop it a second time.
        threading.Timer(_SWALLOWED_SECONDS, os.kill, (os.getpid(), error.number)).start()
    else:
        sys.__unraisablehook__(unraisable)

"""A launcher's worker ends when the process that launched it is gone: in order, and without beginning another run."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

SECONDS = 0.5  # between two looks at the parent
_EXIT_STATUS = 128 + signal.SIGTERM


class _Worker:
    parent: psutil.Process | None = None
    is_working = False


def watch_parent() -> None:
    """Watch, in a thread, the process that launched this one; when it is gone, end this process.

    While a task is at work, it is sent SIGTERM: its run ends as KILLED, with a checkpoint. At rest the process exits.
    May be called again. In a process that nobody launched it does nothing.
    """
    launcher = multiprocessing.parent_process()
    if launcher is None or launcher.pid is None or _Worker.parent is not None:
        return
    try:
        _Worker.parent = psutil.Process(launcher.pid)
    except psutil.NoSuchProcess:
        os._exit(_EXIT_STATUS)
    threading.Thread(target=_end_after_parent, daemon=True).start()


@contextmanager
def at_work() -> Iterator[None]:
    """Carry out a task in this worker; exit instead if the process that launched it is gone."""
    watch_parent()
    _Worker.is_working = True
    try:
        if _is_orphan():
            os._exit(_EXIT_STATUS)
        yield
    finally:
        _Worker.is_working = False


def _end_after_parent() -> None:
    while not _is_orphan():
        time.sleep(SECONDS)
    if _Worker.is_working:
        os.kill(os.getpid(), signal.SIGTERM)
    while _Worker.is_working:
        time.sleep(SECONDS)
    os._exit(_EXIT_STATUS)


def _is_orphan() -> bool:
    parent = _Worker.parent
    if parent is None:
        return False
    try:
        return not parent.is_running() or parent.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True

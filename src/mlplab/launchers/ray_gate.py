"""A gate for the jobs of a launch: once it is closed no other begins, and those that work interrupt themselves.

Ray calls a task cancelled that it is just handing to a worker, which then carries it out all the same, and kills the
worker as soon as the command that launched it is gone.
"""

import _thread
import threading
import time
from collections.abc import Iterator
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from mlplab.errors import SkippedError

_ASK_SECONDS = 1.0  # how often a job that works asks
_SILENT_SECONDS = 5.0  # a job that has not asked for so long is dead
_PATIENCE = 30.0  # with the gate


class _Gate:
    """An actor on the machine of the command, which ends with it."""

    def __init__(self) -> None:
        self._is_open = True
        self._asked = dict[str, float]()

    def ask(self, task: str) -> bool:
        """Return whether this task may work; from now on it counts as working."""
        if self._is_open or task in self._asked:
            self._asked[task] = time.monotonic()
        return self._is_open

    def leave(self, task: str) -> None:
        self._asked.pop(task, None)

    def close(self) -> None:
        self._is_open = False

    def is_empty(self) -> bool:
        now = time.monotonic()
        return all(now - asked > _SILENT_SECONDS for asked in self._asked.values())


def opened() -> Any:
    """Return a new gate."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(_Gate).options(num_cpus=0, scheduling_strategy=here).remote()


def close(gate: Any) -> None:
    """Close the gate. Raises RayError: it is gone."""
    ray.get(gate.close.remote(), timeout=_PATIENCE)


def wait_until_empty(gate: Any, deadline: float) -> None:
    """Wait until no job works, at most until this time of the monotonic clock. Raises RayError: it is gone."""
    while time.monotonic() < deadline and not ray.get(gate.is_empty.remote(), timeout=_PATIENCE):
        time.sleep(0.2)


@contextmanager
def passed(gate: Any) -> Iterator[None]:
    """Carry a job out inside the block, in a worker's main thread; once the gate is closed, Ctrl-C arrives there.

    Raises:
        SkippedError: the gate is closed.
    """
    task = str(ray.get_runtime_context().get_task_id())
    if not _may_work(gate, task):
        raise SkippedError("the command that launched it no longer carries the sweep out")
    ended = threading.Event()
    threading.Thread(target=_watch, args=(gate, task, ended), daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        gate.leave.remote(task)


def _watch(gate: Any, task: str, ended: threading.Event) -> None:
    is_told = False
    while not ended.wait(_ASK_SECONDS):
        if not _may_work(gate, task) and not is_told and not ended.is_set():
            is_told = True
            _thread.interrupt_main()  # as Ray itself: its workers block the signal


def _may_work(gate: Any, task: str) -> bool:
    """Ask the gate. If it does not answer, the job works: Ray itself ends what the command left."""
    try:
        # Not ray.get, for which Ray would give the CPU of this task to another one.
        return bool(gate.ask.remote(task).future().result(_PATIENCE))
    except (RayError, FutureTimeoutError):
        return True

"""A signal becomes one exception: late in a critical section, at once if it is asked twice, and never lost."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

BEGIN = """
import gc, os, signal, sys, threading, time, weakref
from mlplab import signals
from mlplab.app import commandline

def ask(number=signal.SIGTERM):
    os.kill(os.getpid(), number)
    for _ in range(1000): pass  # Python calls the handler between two steps of its own

def say(line):
    print(line, flush=True)
"""


@contextmanager
def started(body: str) -> Iterator[subprocess.Popen[str]]:
    """A process that runs this code as its command."""
    code = f"{BEGIN}\ndef command():\n{body}\n\ncommandline.run_command(command)\n"
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        try:
            yield process
        finally:
            process.kill()


def run(body: str) -> tuple[int, str, str]:
    with started(body) as process:
        stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout, stderr


SWALLOWING = {
    "in a callback of a weak reference": """
    class Thing: pass
    thing = Thing()
    reference = weakref.ref(thing, lambda _: ask())
    del thing
""",
    "in a finalizer": """
    class Thing:
        def __del__(self): ask()
    thing = Thing()
    del thing
""",
    "in a finalizer that the garbage collector calls": """
    class Thing:
        def __del__(self): ask()
    thing = Thing(); thing.itself = thing
    del thing
    gc.collect()
""",
    "in a callback of a garbage collection": """
    gc.callbacks.append(lambda phase, info: ask() if phase == "stop" and gc.callbacks.clear() is None else None)
    gc.collect()
""",
}


@pytest.mark.parametrize("swallowing", SWALLOWING.values(), ids=SWALLOWING)
def test_a_signal_that_python_drops_comes_again(swallowing: str) -> None:
    status, stdout, stderr = run(f"{swallowing}\n    say('dropped'); time.sleep(30); say('never')")
    assert (status, stdout) == (128 + signal.SIGTERM, "dropped\n")
    assert stderr == "\nSIGTERM: stopping; saving what was measured\n"


def test_a_signal_that_a_library_swallows_raises_at_the_next_critical_section() -> None:
    body = """
    try: ask()
    except BaseException: say('swallowed')
    with signals.held(): say('never')
"""
    assert run(body)[:2] == (128 + signal.SIGTERM, "swallowed\n")


def test_a_command_that_ends_although_a_library_swallowed_the_signal_exits_with_its_number() -> None:
    body = """
    try: ask()
    except BaseException: pass
    say('to the end')
"""
    assert run(body)[:2] == (128 + signal.SIGTERM, "to the end\n")


def test_an_error_that_a_library_raises_instead_is_not_shown() -> None:
    body = """
    try: ask()
    finally: raise RuntimeError("session is in an illegal state")
"""
    status, _, stderr = run(body)
    assert status == 128 + signal.SIGTERM
    assert "illegal state" not in stderr


def test_an_error_without_a_signal_is_shown() -> None:
    status, _, stderr = run("    raise RuntimeError('a bug')")
    assert status == 1
    assert "RuntimeError: a bug" in stderr


def test_critical_sections_on_the_way_out_are_completed() -> None:
    body = """
    try: ask()
    except signals.Stopped:
        with signals.held(): say('saved')
        say('said')
        raise
"""
    assert run(body)[:2] == (128 + signal.SIGTERM, "saved\nsaid\n")


def test_a_signal_waits_for_the_end_of_a_critical_section() -> None:
    body = """
    with signals.held():
        ask(); ask(signal.SIGINT); say('whole')
    say('never')
"""
    assert run(body)[:2] == (128 + signal.SIGINT, "whole\n")


def test_another_thread_has_no_critical_sections() -> None:
    body = """
    inside = threading.Event()
    def work():
        with signals.held():
            inside.set(); time.sleep(30)
    threading.Thread(target=work, daemon=True).start()
    inside.wait()
    ask(); say('never')
"""
    assert run(body)[:2] == (128 + signal.SIGTERM, "")


def test_a_second_ctrl_c_ends_a_critical_section_that_hangs() -> None:
    with started("    with signals.held():\n        say('in'); time.sleep(60); say('never')") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in\n"
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)  # a nervous finger
        time.sleep(1.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=10)
    assert (process.returncode, stdout) == (128 + signal.SIGINT, "")
    assert stderr.endswith("\nSIGINT: stopping at once\n")
    assert "Traceback" not in stderr


def test_a_signal_after_the_command_has_ended_shows_no_traceback() -> None:
    with started("    import atexit; atexit.register(lambda: (say('ended'), time.sleep(60)))") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ended\n"
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=10)
    assert (process.returncode, stderr) == (-signal.SIGINT, "")

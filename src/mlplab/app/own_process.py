"""This command once more: in its place, with other variables, or as a child."""

import os
import subprocess
import sys
from collections.abc import Sequence

from mlplab.launchers.threads import VARIABLES

_ORIGINAL = "MLPLAB_THREADS_BEFORE"  # set for the process that takes this one's place


def command_again(words: Sequence[str]) -> list[str]:
    """Return this process's command with other arguments; no password stands in it."""
    own = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv[1:])]
    return [sys.executable, *own, *words]


def wait_for(child: "subprocess.Popen[bytes]") -> int:
    """Wait for a process and return its exit status; if this one is stopped, so is that."""
    try:
        return child.wait()
    except BaseException:
        child.terminate()
        child.wait()
        raise


def variables_for(threads: int) -> dict[str, str]:
    """Return the environment of a process whose matrix products use so many threads."""
    return {**os.environ, **dict.fromkeys(VARIABLES, str(threads))}


def begin_again_with(threads: int, before: int) -> None:
    """Let this command begin again with so many threads: libraries read them when they are loaded. Once only."""
    if _ORIGINAL not in os.environ:
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, command_again(sys.argv[1:]), {**variables_for(threads), _ORIGINAL: str(before)})


def threads_before() -> str | None:
    """Return how many threads there would be, had this command not begun again; None where it did not."""
    return os.environ.get(_ORIGINAL)

"""The command as it was typed, for the line that goes on with it after an interrupt."""

import os
import shlex
import shutil
import sys
from pathlib import Path

from mlplab.terminal import say


class _Typed:
    words: tuple[str, ...] = ()  # none where Python calls, and in a launcher's worker


def note_typed() -> None:
    """Keep the words of this process's command, before anything but its passwords is changed in ``sys.argv``."""
    own = sys.orig_argv[: max(len(sys.orig_argv) - len(sys.argv[1:]), 0)]
    # Where another program calls the command, that program's words are not how it would be typed.
    interpreter, *others = own or ["python", sys.argv[0]]  # its flags, and the script
    if others and Path(others[0]).suffix != ".py" and os.access(others[0], os.X_OK):  # the installed command
        interpreter, *others = others
    name = Path(interpreter).name
    short = name if shutil.which(name) == interpreter else interpreter
    _Typed.words = (short, *others, *sys.argv[1:])


def say_how_to_go_on(done: str) -> None:
    """Print what is done, and the line that goes on with the rest."""
    if not _Typed.words:
        say(f"{done}; the same call with resume=True goes on")
        return
    words = [word for word in _Typed.words if not word.startswith("resume=")]
    say(f"{done}; to go on, type:")
    say(f"  {shlex.join([*words, 'resume=true'])}")

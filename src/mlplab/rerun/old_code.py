"""The code of a recorded run, brought back: its commit in a temporary worktree, with the changes it had."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mlplab.errors import ConfigError
from mlplab.paths import CHECKOUT
from mlplab.rerun.recorded import Recorded
from mlplab.schema import GIT_COMMIT_TAG, GIT_DIFF, GIT_DIRTY_TAG

# An editable installation puts this code, and the plugins that Hydra finds in it, onto every path.
_ALONE = """
import os, runpy, sys
own = os.path.abspath("src")
sys.path[:] = [own] + [place for place in sys.path if not os.path.isdir(os.path.join(place, "mlplab"))]
sys.argv[0] = os.path.join("src", "train.py")
runpy.run_path(sys.argv[0], run_name="__main__")
"""
_REMEDY = "leave --checkout out, to run it with the code that is here"


@contextmanager
def brought_back(recorded: Recorded) -> Iterator[Path]:
    """Give, inside the block, a folder with the code that a run recorded.

    Raises:
        ConfigError: it cannot be brought back; the message says why.
    """
    commit = recorded.tags.get(GIT_COMMIT_TAG)
    if CHECKOUT is None or not (CHECKOUT / ".git").exists():
        raise ConfigError(f"--checkout: the code here lies in no git repository; {_REMEDY}")
    if commit is None:
        raise ConfigError(f"--checkout: run {recorded.run_id} has recorded no commit; {_REMEDY}")
    if _git(CHECKOUT, "cat-file", "-e", f"{commit}^{{commit}}").returncode:
        raise ConfigError(f"--checkout: commit {commit} is not in {CHECKOUT}; fetch it, or {_REMEDY}")
    with TemporaryDirectory(prefix="mlplab-") as temporary:
        folder = Path(temporary) / "then"
        _require(_git(CHECKOUT, "worktree", "add", "--detach", "--quiet", str(folder), commit), "git worktree add")
        try:
            _apply(recorded, folder)
            yield folder
        finally:
            _git(CHECKOUT, "worktree", "remove", "--force", str(folder))


def begin_there(folder: Path, words: Sequence[str], own: Path | None = None) -> "subprocess.Popen[bytes]":
    """Start the command of then, with the code in this folder and the libraries that are here.

    Networks of people's own are found where they are now: in ``own``, and in PYTHONPATH.
    """
    told = [os.path.abspath(place) for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    places = [str(folder / "src"), *([] if own is None else [str(own)]), *told]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    return subprocess.Popen([sys.executable, "-c", _ALONE, *words], cwd=folder, env=variables)


def _apply(recorded: Recorded, folder: Path) -> None:
    """Apply the changes that the checkout had. Raises ConfigError."""
    if recorded.tags.get(GIT_DIRTY_TAG) != "true":
        return
    if recorded.diff is None:
        raise ConfigError(f"--checkout: run {recorded.run_id} had changes, and has no {GIT_DIFF}; {_REMEDY}")
    if "\ndiff --git " in f"\n{recorded.diff}":  # otherwise there were new files alone, which no diff has
        _require(_git(folder, "apply", "--whitespace=nowarn", "-", typed=recorded.diff), f"{GIT_DIFF}: git apply")


def untracked_files(recorded: Recorded) -> list[str]:
    """Return the new files that a run's checkout had: git's diff names them, and does not have them."""
    return [line.removeprefix("# ?? ") for line in (recorded.diff or "").splitlines() if line.startswith("# ?? ")]


def _require(done: "subprocess.CompletedProcess[str]", what: str) -> None:
    if done.returncode:
        said = " ".join(done.stderr.split())
        raise ConfigError(f"--checkout: {what} says: {said}; {_REMEDY}")


def _git(folder: Path, *arguments: str, typed: str | None = None) -> "subprocess.CompletedProcess[str]":
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, input=typed, capture_output=True, text=True, errors="replace")

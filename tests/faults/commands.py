"""Typed commands, and the moments at which something is taken away from them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from conftest import Project
from mlplab.tracking.journal import NAME as JOURNAL
from mlplab.tracking.journal import read_records
from mlplab.tracking.records import Points

LONG = os.environ.get("FAULTS") == "long"
LONGEST = 400.0  # seconds that a command may take on a slow and busy machine, an outage of a minute included
EPOCHS = 400
STEPS = 29  # iterations in an epoch: 1,437 images in batches of 50
TRAINING = [
    "data=digits", "hidden_sizes=[256,128]", "learning_rate=0.05", "batch_size=50", "log_every=100",
    f"epochs={EPOCHS}", "diagnostics=false",
]  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """When a member has come so far; ``epoch`` 0: it has begun. ``member``: its number, or "" for a single run."""

    member: str
    epoch: int


@dataclass(frozen=True)
class Unit:
    """A command, and when its start, middle and end are; None: before it is typed.

    Attributes:
        in_turn: its runs come one after the other.
    """

    typed: tuple[str, ...]
    moments: dict[str, Moment | None]
    in_turn: bool = True


PAIR = ("-m", *TRAINING, "activation=relu,tanh")
JOBLIB = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
UNITS = {
    "run": Unit(
        (*TRAINING, "activation=relu"),
        {"start": None, "middle": Moment("", EPOCHS // 2), "end": Moment("", EPOCHS)},
    ),
    "member": Unit(
        PAIR,
        {"start": Moment("0", 0), "middle": Moment("0", EPOCHS // 2), "end": Moment("0", EPOCHS)},
    ),
    "sweep": Unit(
        PAIR,
        {"start": None, "middle": Moment("1", 0), "end": Moment("1", EPOCHS)},
    ),
    "joblib sweep": Unit(
        (*PAIR, *JOBLIB),
        {"start": None, "middle": Moment("1", EPOCHS // 2), "end": Moment("1", EPOCHS)},
        in_turn=False,
    ),
}


class Command:
    """A command that runs; what it prints goes to files, so that it never waits for its reader."""

    def __init__(self, project: Project, words: list[str], **variables: str) -> None:
        self.project, number = project, len(list(project.root.glob("*.out")))
        self._out, self._err = (project.root / f"{number}.{kind}" for kind in ("out", "err"))
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                words, cwd=project.root, env=project.environment(**variables), stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, start_new_session=True,
            )  # fmt: skip

    @property
    def out(self) -> str:
        return self._out.read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        return self._err.read_text(encoding="utf-8")

    @property
    def text(self) -> str:
        return f"exit {self.process.poll()}\n{self.out[-3_000:]}\n{self.err[-3_000:]}"

    def wait(self, seconds: float = LONGEST) -> int:
        """Return its exit status; a command that hangs is killed, and fails the test."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            text = self.text
            self.kill()
            raise AssertionError(f"hangs: {text}") from None

    def kill(self) -> None:
        """Kill it and everything that it has started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def wait_for(self, moment: Moment) -> None:
        """Wait until a member has come so far; fails if the command ends before."""
        self.wait_until(lambda: _has_come(self.project.root, moment))

    def wait_until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + LONGEST
        while not condition():
            ended = self.process.poll() is not None
            assert not ended or condition(), f"ended too early: {self.text}"
            assert time.monotonic() < deadline, f"too slow: {self.text}"
            time.sleep(0.02)

    def has_begun(self) -> bool:
        """Tell whether it has its output folder."""
        return any(any(self.project.root.glob(f"{kind}/*/*")) for kind in ("outputs", "multirun"))


def _has_come(root: Path, moment: Moment) -> bool:
    folders = root.glob(f"multirun/*/*/{moment.member}" if moment.member else "outputs/*/*")
    return any(_last_step(folder) >= moment.epoch * STEPS for folder in folders if (folder / "train.log").exists())


def _last_step(folder: Path) -> int:
    points = (record for record in read_records(folder / JOURNAL) if isinstance(record, Points))
    return max((point.step for point in points), default=0)


def train(project: Project, *words: str, **variables: str) -> Command:
    return Command(project, project.command(*words), **variables)


def sync(project: Project, *words: str) -> Command:
    """Start the command that sends what waits."""
    return Command(project, [sys.executable, "src/sync.py", *words])

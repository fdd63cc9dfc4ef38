"""However a command ends: its runs say how, nothing is lost, and the store is one file that can be moved alone."""

import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest

from conftest import Project

pytestmark = pytest.mark.slow  # real processes, ended in every way: `make test-slow`

FAST = [
    "data=digits", "hidden_sizes=[16]", "learning_rate=0.1", "batch_size=50", "log_every=10", "epochs=2",
    "diagnostics=false",
]  # fmt: skip
SLOW = [*FAST, "epochs=100000"]
SWEEPS = {
    "a run": [],
    "a sweep": ["-m", "seed=0,1,2"],
    "a parallel sweep": ["-m", "seed=0,1,2", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
}


def store_files(project: Project) -> set[str]:
    return {file.name for file in project.root.glob("mlflow.db*")} - {"mlflow.db.lock"}


def wait_for_points(project: Project, is_alive: Callable[[], bool], points: int = 1) -> None:
    deadline = time.monotonic() + 150
    while True:
        runs = [run for run in project.runs() if "train/loss" in run.data.metrics]
        if runs and len(project.points(runs[0], "train/loss")) >= points:
            return
        assert time.monotonic() < deadline
        assert is_alive()
        time.sleep(0.2)


def points_are_whole(project: Project) -> None:
    for run in project.runs():
        steps = [step for step, _ in project.points(run, "train/loss")]
        assert steps == list(range(10, 10 * len(steps) + 1, 10))


@pytest.mark.parametrize("sweep", SWEEPS.values(), ids=SWEEPS)
@pytest.mark.parametrize("number", [None, signal.SIGINT, signal.SIGTERM])
def test_the_store_is_one_closed_file_after_every_orderly_end(
    fresh_project: Project, sweep: list[str], number: signal.Signals | None
) -> None:
    from mlplab.store.sqlite_file import close_databases

    with fresh_project.start(*sweep, *(SLOW if number else FAST)) as process:
        if number is not None:
            wait_for_points(fresh_project, lambda: process.poll() is None)
            close_databases()  # the test's own connection
            process.send_signal(number)
        _, stderr = process.communicate(timeout=150)
    assert process.returncode == (0 if number is None else 128 + number), stderr
    assert "Traceback" not in stderr
    assert store_files(fresh_project) == {"mlflow.db"}


def test_the_store_is_closed_after_an_error_and_after_a_comparison(fresh_project: Project) -> None:
    assert fresh_project.train("-m", *FAST, "batch_size=50,100000").returncode == 1
    assert store_files(fresh_project) == {"mlflow.db"}
    command = [*fresh_project.command()[:1], "src/compare.py"]
    assert subprocess.run(command, cwd=fresh_project.root, env=fresh_project.environment()).returncode == 0
    assert store_files(fresh_project) == {"mlflow.db"}


@contextmanager
def in_terminal(project: Project, *command: str) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[], None]]]:
    """A command in a terminal of its own, and a function that closes the window."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, cwd=project.root, env=project.environment(TERM="xterm"), stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(theirs)
    is_open = threading.Event()
    is_open.set()

    def show() -> None:
        with suppress(OSError):  # nohup lets go of the terminal
            while is_open.is_set():
                if select.select([ours], [], [], 0.05)[0]:
                    os.read(ours, 10_000)

    def close() -> None:
        is_open.clear()
        window.join()
        os.close(ours)

    window = threading.Thread(target=show, daemon=True)
    window.start()
    try:
        yield process, close
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("sweep", SWEEPS.values(), ids=SWEEPS)
def test_a_terminal_that_is_closed_ends_runs_as_killed(fresh_project: Project, sweep: list[str]) -> None:
    with in_terminal(fresh_project, *fresh_project.command(*sweep, *SLOW)) as (process, close):
        wait_for_points(fresh_project, lambda: process.poll() is None)
        family = psutil.Process(process.pid).children(recursive=True)
        close()
        assert process.wait(timeout=60) == 128 + signal.SIGHUP
        _, alive = psutil.wait_procs(family, timeout=20)
        assert not alive
    runs = fresh_project.runs()
    assert {run.info.status for run in runs} == {"KILLED"}
    assert len(runs) <= 2
    assert {run.info.status for run in fresh_project.sweeps()} <= {"KILLED"}
    assert all((fresh_project.root / run.data.tags["output_folder"] / "checkpoint.npz").exists() for run in runs)
    points_are_whole(fresh_project)


@pytest.mark.parametrize("sweep", SWEEPS.values(), ids=SWEEPS)
def test_under_nohup_a_terminal_that_is_closed_is_nothing(fresh_project: Project, sweep: list[str]) -> None:
    command = ["nohup", *fresh_project.command(*sweep, *FAST, "epochs=60")]
    with in_terminal(fresh_project, *command) as (process, close):
        wait_for_points(fresh_project, lambda: process.poll() is None)
        close()
        assert process.wait(timeout=200) == 0
    expected = 3 if sweep else 1
    assert [run.info.status for run in fresh_project.runs()] == ["FINISHED"] * expected


def test_a_run_that_is_suspended_goes_on_without_a_loss(fresh_project: Project) -> None:
    with fresh_project.start(*FAST, "epochs=400") as process:
        wait_for_points(fresh_project, lambda: process.poll() is None)
        for _ in range(5):
            process.send_signal(signal.SIGSTOP)
            time.sleep(1.5)
            process.send_signal(signal.SIGCONT)
            time.sleep(0.3)
        _, stderr = process.communicate(timeout=200)
    assert process.returncode == 0, stderr
    assert "WARNING: epochs=2: is ignored" in stderr  # and nothing else
    assert stderr.count("\n") == 1
    (run,) = fresh_project.runs()
    assert run.info.status == "FINISHED"
    points_are_whole(fresh_project)
    assert len(fresh_project.points(run, "train/loss")) == 400 * 29 // 10  # of 1,437 images in batches of 50

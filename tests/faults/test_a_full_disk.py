"""A disk is full in the middle of a run: the message names the path, and with room the run goes on."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from conftest import Project
from faults.commands import EPOCHS, UNITS, Moment, sync, train
from faults.table import Row
from faults.trials import Place, Undisturbed, judge, statuses

SIZE = 64 * 2**20  # bytes
BLOCK = 4096


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a small disk on a folder; skip the test where that is not permitted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no program mounts a small disk here")
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave no room on a disk; return the file that takes it."""
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(BLOCK)):
            pass
    return ballast


@pytest.mark.timeout(900)
@pytest.mark.parametrize("unit", ["run", "sweep"])
@pytest.mark.parametrize("full", ["outputs", "store"])
def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_room(
    full: str, unit: str, fresh_project: Project,
    undisturbed: Callable[[str], Undisturbed], tally: Callable[[str], Row],
) -> None:  # fmt: skip
    root = fresh_project.root
    outputs = "outputs" if unit == "run" else "multirun"
    disk = root / {"outputs": outputs, "store": "store"}[full]
    place = Place(fresh_project, f"sqlite:///{disk / 'mlflow.db' if full == 'store' else root / 'mlflow.db'}", "full")
    typed = place.typed(UNITS[unit].typed)
    with small_disk(disk):
        row = tally(f"full disk: {full}")
        command = train(fresh_project, *typed)
        command.wait_for(Moment("" if unit == "run" else "0", EPOCHS // 4))
        ballast = fill(disk)
        faults = statuses({unit: (command, 1)})
        faults += [] if str(disk) in command.err else [f"the disk is not named: {command.text}"]
        faults += [command.text] if "Traceback" in command.err else []
        ballast.unlink()
        faults += statuses({"sync": (sync(fresh_project), 0)})
        faults += [f"{run.name} is RUNNING" for run in place.kept() if run.status == "RUNNING"]
        faults += statuses({"resume": (train(fresh_project, *typed, "resume=true"), 0)})
        reasons = judge(row, undisturbed(unit).runs, place.kept(), faults)
    assert not reasons

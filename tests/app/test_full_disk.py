"""A full disk, a path too long: one message names the path and the remedy, and no half file is left."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Project, mounted_disk

FAST = ["data=digits", "hidden_sizes=[32,16]", "learning_rate=0.1", "log_every=10", "epochs=2", "batch_size=50"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB; the test is skipped where it cannot be mounted."""
    with mounted_disk(tmp_path / "disk", "256k") as folder:
        yield folder


def fill(disk: Path, leave: int) -> Path:
    """Fill the disk but for so many bytes, and return the file that does."""
    filling = disk / "filling"
    with filling.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(file.tell() - leave)
    return filling


def test_an_output_folder_on_a_full_disk_is_named_and_nothing_is_left(
    fresh_project: Project, small_disk: Path
) -> None:
    fill(small_disk, leave=0)
    done = fresh_project.train(*FAST, f"hydra.run.dir={small_disk}/a/b")
    assert done.returncode == 1
    assert done.stderr == (
        f"ERROR: {small_disk}/a/b: cannot be written (No space left on device); free space; then the same command "
        "with resume=true goes on\n"
    )
    assert fresh_project.runs() == []
    assert [path.name for path in small_disk.iterdir()] == ["filling"]


def test_a_sweep_on_a_full_disk_is_refused_before_it_begins_and_goes_on_when_there_is_room(
    fresh_project: Project, small_disk: Path
) -> None:
    filling = fill(small_disk, leave=0)
    typed = ["-m", *FAST, "seed=0,1", f"hydra.sweep.dir={small_disk}/sweep"]
    done = fresh_project.train(*typed)
    assert done.returncode == 1
    assert done.stderr == (
        f"ERROR: {small_disk}/sweep: cannot be written (No space left on device); free space; then the same command "
        "with resume=true goes on\n"
    )
    assert fresh_project.runs() == fresh_project.sweeps() == []
    assert [path.name for path in small_disk.iterdir()] == ["filling"]
    filling.unlink()
    subprocess.run(["mount", "-o", "remount,size=10m", str(small_disk)], check=True)
    done = fresh_project.train(*typed, "resume=true")
    assert done.returncode == 0, done.stderr
    assert [run.info.status for run in fresh_project.runs()] == ["FINISHED"] * 2


@pytest.mark.parametrize("key", ["hydra.run.dir", "hydra.sweep.dir"])
def test_a_path_that_is_too_long_is_named(fresh_project: Project, key: str) -> None:
    path = fresh_project.root / ("x" * 300)
    done = fresh_project.train(*FAST, f"{key}={path}", *(["-m"] if "sweep" in key else []))
    assert done.returncode == 1
    assert done.stderr == f"ERROR: {path}: cannot be written (File name too long); choose a shorter path\n"


def test_a_disk_that_fills_up_while_a_run_trains_costs_it_artifacts_and_no_more(
    fresh_project: Project, small_disk: Path
) -> None:
    fill(small_disk, leave=24 * 1024)  # for Hydra's files, and not for a figure
    done = fresh_project.train(*FAST, f"hydra.run.dir={small_disk}/run")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "Logging error" not in done.stderr
    assert "the loss curve of this run could not be written: [Errno 28] No space left on device" in done.stderr
    (run,) = fresh_project.runs()
    assert run.info.status == "FINISHED"
    artifacts = {item.path: item.file_size for item in fresh_project.client.list_artifacts(run.info.run_id)}
    assert "loss_curve.png" not in artifacts
    assert all(artifacts.get(name) != 0 for name in artifacts)
    names = {path.name for path in (small_disk / "run").rglob("*") if path.is_file()}
    assert names == {"config.yaml", "hydra.yaml", "overrides.yaml", "train.log", "journal.lock"}

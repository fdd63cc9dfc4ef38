"""The workers of a parallel sweep whose own process was killed end soon, in order, and begin nothing more."""

import time

import psutil
import pytest

from conftest import Project

pytestmark = pytest.mark.slow  # real processes, ended in every way: `make test-slow`

COMMAND = [
    "-m", "data=digits", "hidden_sizes=[32,16]", "learning_rate=0.1", "log_every=10", "batch_size=50",
    "diagnostics=false", "hydra/launcher=joblib",
]  # fmt: skip


def kill_parent(project: Project, *typed: str) -> int:
    """Start a sweep, kill its own process when two runs have points; return how many others it had.

    They must end within ten seconds.
    """
    with project.start(*typed) as process:
        try:
            deadline = time.monotonic() + 150
            while sum("train/loss" in run.data.metrics for run in project.runs()) < 2:
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.2)
            family = psutil.Process(process.pid).children(recursive=True)
        finally:
            process.kill()
        _, alive = psutil.wait_procs(family, timeout=10)
        for one in alive:
            one.kill()
        assert not alive
    return len(family)


def test_workers_end_after_a_parent_that_was_killed_and_a_resume_completes_the_sweep(fresh_project: Project) -> None:
    typed = [*COMMAND, "epochs=150", "seed=0,1,2,3,4,5", "hydra.launcher.n_jobs=2"]
    kill_parent(fresh_project, *typed)
    left = {run.info.run_id: run for run in fresh_project.runs()}
    assert len(left) < 6  # the jobs that waited were not begun
    assert {run.info.status for run in left.values()} <= {"KILLED", "FINISHED"}
    killed = [run for run in left.values() if run.info.status == "KILLED"]
    assert killed
    for run in killed:
        assert (fresh_project.root / run.data.tags["output_folder"] / "checkpoint.npz").exists()

    plan = fresh_project.train(*typed, "plan=true")
    assert plan.returncode == 0, plan.stderr
    assert "RUNNING" not in {run.info.status for run in [*fresh_project.runs(), *fresh_project.sweeps()]}
    done = fresh_project.train(*typed, "resume=true")
    assert done.returncode == 0, done.stderr
    runs = {run.info.run_id: run.info.status for run in fresh_project.runs()}
    assert list(runs.values()) == ["FINISHED"] * 6
    assert set(left) <= set(runs)


def test_a_worker_that_never_got_a_job_ends_too(fresh_project: Project) -> None:
    typed = [*COMMAND, "epochs=100000", "seed=0,1", "hydra.launcher.n_jobs=3"]
    assert kill_parent(fresh_project, *typed) >= 3
    assert [run.info.status for run in fresh_project.runs()] == ["KILLED"] * 2

"""A run goes on, bit by bit, on a machine that has nothing of its folder: from a shared folder, or from the store."""

import shutil
import time
from typing import Any

import pytest

from app.test_resume import outcome
from conftest import Project

pytestmark = pytest.mark.slow  # real processes, ended in every way: `make test-slow`

RUN = [
    "data=digits", "hidden_sizes=[64,32]", "learning_rate=0.05", "batch_size=50", "log_every=100", "epochs=2000",
    "optimizer=adam", "diagnostics=false",
]  # fmt: skip


def kill_in_the_middle(project: Project, *words: str) -> None:
    """Kill the command outright once the store has half of its points; then remove its folder."""
    process = project.start(*RUN, *words)
    deadline = time.monotonic() + 120
    while max((step for run in project.runs() for step, _ in project.points(run, "train/loss")), default=0) < 4_000:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.kill()
    process.communicate()
    shutil.rmtree(project.root / "outputs")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, empty_store: Any) -> dict[str, Any]:
    from conftest import copy_project

    root = tmp_path_factory.mktemp("undisturbed")
    shutil.copy(empty_store, root)
    project = copy_project(root)
    done = project.train(*RUN)
    assert done.returncode == 0, done.stderr
    return outcome(project)


@pytest.mark.parametrize("place", ["store", "shared folder"])
def test_a_run_goes_on_from_a_checkpoint_that_another_machine_wrote(
    fresh_project: Project, undisturbed: dict[str, Any], place: str
) -> None:
    shared = fresh_project.root / "shared"
    word = "tracking.checkpoints=true" if place == "store" else f"checkpoint_dir={shared}"
    kill_in_the_middle(fresh_project, word)
    resumed = fresh_project.train(*RUN, word, "resume=true")
    assert resumed.returncode == 0, resumed.stderr
    assert "begins anew" not in resumed.stderr
    assert outcome(fresh_project) == undisturbed
    assert not list(shared.rglob("*.npz"))
    left = [file for file in (fresh_project.root / "mlruns").rglob("checkpoints/*") if file.stat().st_size]
    assert not left


def test_without_either_it_begins_anew_and_says_so(fresh_project: Project, undisturbed: dict[str, Any]) -> None:
    kill_in_the_middle(fresh_project)
    resumed = fresh_project.train(*RUN, "resume=true")
    assert resumed.returncode == 0, resumed.stderr
    assert "has no checkpoint to go on from: the run begins anew" in resumed.stderr
    assert outcome(fresh_project) == undisturbed

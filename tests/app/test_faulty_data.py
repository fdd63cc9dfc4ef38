"""A fault in people's own data is one message before a sweep begins, and nothing is written."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from conftest import Project
from forks import Ended, Forks

pytestmark = pytest.mark.slow

QUICK = ["hidden_sizes=[8]", "learning_rate=0.1", "batch_size=16", "log_every=5", "epochs=1"]
GRID = ["-m", *QUICK, "activation=relu,tanh", "seed=0,1"]
SEARCH = ["-m", *QUICK, "activation=relu,tanh", "data.val_size=10", "search=random", "trials=2"]
SWEEPS = {"grid": GRID, "plan": [*GRID, "plan=true"], "search": SEARCH, "plan of a search": [*SEARCH, "plan=true"]}
TABLE = ["data=csv", "data.label=species"]
FLOWERS = [*TABLE, "data.path=flowers.csv"]
FAULTS = {
    "NaN": ([*TABLE, "data.path=holed.csv"], "holed.csv: row 8 below the header, column width is empty"),
    "label": (["data=csv", "data.path=flowers.csv", "data.label=kind"], "data.label=kind: "),
    "file": ([*TABLE, "data.path=flower.csv"], "flower.csv: no such file; "),
    "picture": (["data=images", "data.path=album"], "album: train/a/3.png: cannot be read as a picture"),
    "split": ([*FLOWERS, "data.val_size=500"], "data.val_size=500: the training set has 48 rows"),
}


@pytest.fixture(scope="module")
def forks(project: Project) -> Iterator[Forks]:
    rng = np.random.default_rng(0)
    flowers = pd.DataFrame({"width": rng.normal(size=60), "length": rng.normal(size=60), "species": ["a", "b"] * 30})
    flowers.to_csv(project.root / "flowers.csv", index=False)
    flowers.loc[7, "width"] = np.nan
    flowers.to_csv(project.root / "holed.csv", index=False)
    for kind in ("a", "b"):
        folder = project.root / "album" / "train" / kind
        folder.mkdir(parents=True)
        for number in range(10):
            Image.fromarray(rng.integers(0, 255, (6, 6), np.uint8)).save(folder / f"{number}.png")
    (project.root / "album" / "train" / "a" / "3.png").write_text("no picture")
    started = Forks(project)
    yield started
    started.close()


def left_behind(project: Project) -> set[Path]:
    return {path for path in project.root.rglob("*") if "__pycache__" not in path.parts}


def require_one_message(ended: Ended, message: str) -> None:
    (line,) = ended.stderr.splitlines()
    assert (ended.status, line[:7]) == (1, "ERROR: ")
    assert message in line
    assert ended.stdout == ""


@pytest.mark.parametrize(
    ("fault", "sweep"), [*((fault, "grid") for fault in FAULTS), *(("NaN", sweep) for sweep in list(SWEEPS)[1:])]
)
def test_a_sweep_of_faulty_data_is_refused_as_its_single_run_is_and_leaves_nothing(
    forks: Forks, fault: str, sweep: str
) -> None:
    keys, message = FAULTS[fault]
    before = left_behind(forks.project)
    alone, swept = forks.run(*keys, *QUICK), forks.run(*SWEEPS[sweep], *keys)
    require_one_message(swept, message)
    assert swept.stderr == alone.stderr
    assert left_behind(forks.project) == before


def test_a_fault_in_one_of_several_data_sets_refuses_the_sweep(forks: Forks) -> None:
    before = left_behind(forks.project)
    ended = forks.run(*GRID, *TABLE, "data.path=flowers.csv,holed.csv")
    require_one_message(ended, "holed.csv: row 8 below the header, column width is empty")
    assert left_behind(forks.project) == before


@pytest.mark.parametrize("sweep", ["grid", "search"])
def test_a_resume_needs_the_data_only_where_something_is_left_to_run(
    fresh_project: Project, forks: Forks, sweep: str
) -> None:
    table = fresh_project.root / "flowers.csv"
    shutil.copy(forks.project.root / "flowers.csv", table)
    typed = [*SWEEPS[sweep], *FLOWERS]
    assert fresh_project.train(*typed).returncode == 0
    os.rename(table, f"{table}.away")
    done = fresh_project.train(*typed, "resume=true")
    assert (done.returncode, done.stderr) == (0, "")
    assert "; 0 to run" in done.stdout
    planned = fresh_project.train(*typed, "resume=true", "plan=true")
    assert planned.returncode == 0, planned.stderr
    assert "nothing to run" in planned.stdout
    last = fresh_project.runs()[-1]
    fresh_project.client.set_terminated(last.info.run_id, "FAILED")
    shutil.rmtree(next(fresh_project.root.glob("multirun/*/*")) / last.data.tags["sweep.job"])
    refused = fresh_project.train(*typed, "resume=true")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"ERROR: data.path={table}: no such file; ")

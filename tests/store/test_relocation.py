"""A project that was moved or copied finds its artifacts where they lie now, and a copy leaves its original alone."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from conftest import Project
from mlplab.paths import PROJECT_ROOT, from_portable, portable
from mlplab.schema import COMMAND_TAG, FOLDER_TAG
from mlplab.store.relocation import PLACES, mend_locations
from mlplab.store.sqlite_file import close_databases
from mlplab.store.store import connect

FAST = ["data=digits", "hidden_sizes=[16]", "learning_rate=0.1", "batch_size=50", "epochs=1", "diagnostics=false"]
LOAD = """
import mlflow, numpy as np, sys
print(len(mlflow.pyfunc.load_model(f"runs:/{sys.argv[1]}/model").predict(np.zeros((3, 64), np.uint8))))
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def works(project: Project, sweep: list[str]) -> None:
    """The sweep is found, its model loads, its runs can be compared, and a new run writes here."""
    again = project.train(*sweep, "resume=true")
    assert again.returncode == 0, again.stderr
    assert "2 runs (2 finished); 0 to run" in again.stdout
    old, other = project.runs()
    environment = project.environment(MLFLOW_TRACKING_URI=project.uri)
    for command in ([sys.executable, "-c", LOAD, old.info.run_id], [sys.executable, "src/compare.py", "format=csv"]):
        done = subprocess.run(command, cwd=project.root, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert project.train(*FAST, "seed=7").returncode == 0
    for run in project.runs():
        assert run.info.artifact_uri.startswith((project.root / "mlruns").as_uri())
        assert (project.root / run.data.tags[FOLDER_TAG]).is_relative_to(project.root)
        names = {item.path for item in project.client.list_artifacts(run.info.run_id)}
        assert names >= {"config.yaml", "loss_curve.png"}
        (made,) = run.outputs.model_outputs
        place = project.client.get_logged_model(made.model_id).artifact_location
        assert place.startswith((project.root / "mlruns").as_uri())
    assert other.info.run_id in {run.info.run_id for run in project.runs()}


@pytest.mark.timeout(600)
@pytest.mark.slow
def test_a_project_works_after_it_was_copied_and_moved_and_the_original_is_untouched(
    fresh_project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    sweep = ["-m", *FAST, "seed=0,1"]
    assert fresh_project.train(*sweep).returncode == 0
    before = contents(fresh_project.root)
    copied, moved = tmp_path_factory.mktemp("copies") / "copied", tmp_path_factory.mktemp("moves") / "a moved % ü"
    shutil.copytree(fresh_project.root, copied)
    works(Project(copied), sweep)
    after = contents(fresh_project.root)
    assert {name for name in after if "__pycache__" not in name and after[name] != before.get(name)} == set()
    assert before.keys() - after.keys() == set()

    shutil.move(fresh_project.root, moved)
    works(Project(moved), sweep)
    assert not fresh_project.root.exists()


@pytest.fixture
def original(tmp_path: Path, empty_store: Path) -> Path:
    """A folder with a database, an experiment of ours in it, a run with an artifact, and a sweep's run."""
    folder = tmp_path / "original"
    folder.mkdir()
    shutil.copy(empty_store, folder)
    store = connect(f"sqlite:///{folder / 'mlflow.db'}", "a b/c")
    for tags in ({FOLDER_TAG: str(folder / "outputs" / "0")}, {COMMAND_TAG: "digest"}):
        run = store.client.create_run(store.experiment_id, tags=tags)
        store.client.log_dict(run.info.run_id, {"folder": str(folder / "multirun" / "1")}, "manifest.json")
    store.client.create_run(store.experiment_id)  # without artifacts
    close_databases()
    return folder


def rows(folder: Path, table: str, column: str) -> list[str]:
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        return [text for (text,) in connection.execute(f"SELECT {column} FROM {table} ORDER BY rowid")]


def test_every_place_below_the_former_folder_is_rewritten(original: Path, tmp_path: Path) -> None:
    former = rows(original, "runs", "artifact_uri")
    copy = tmp_path / "copy"
    shutil.copytree(original, copy)
    mend_locations(copy / "mlflow.db")
    assert rows(copy, "runs", "artifact_uri") == [text.replace("/original/", "/copy/") for text in former]
    assert rows(copy, "experiments", "artifact_location")[1] == (copy / "mlruns" / "a%20b%2Fc").as_uri()
    assert str(copy / "outputs" / "0") in rows(copy, "tags", "value")
    folders = {json.loads(file.read_text())["folder"] for file in (copy / "mlruns").rglob("manifest.json")}
    # The manifest of the sweep; the other file of this name is an artifact like any other.
    assert folders == {str(copy / "multirun" / "1"), str(original / "multirun" / "1")}
    before = contents(copy)
    mend_locations(copy / "mlflow.db")
    assert contents(copy) == before


def test_a_place_that_somebody_chose_is_theirs(original: Path, tmp_path: Path) -> None:
    archive = tmp_path / "archive" / "mlruns" / "x"
    archive.mkdir(parents=True)
    client = MlflowClient(f"sqlite:///{original / 'mlflow.db'}")
    for name, place in {"archive": archive.as_uri(), "cloud": "s3://bucket/mlruns/x"}.items():
        client.create_run(client.create_experiment(name, artifact_location=place))
    close_databases()
    copy = tmp_path / "copy"
    shutil.copytree(original, copy)
    before = rows(copy, "experiments", "artifact_location")
    mend_locations(copy / "mlflow.db")
    assert rows(copy, "experiments", "artifact_location")[2:] == before[2:]
    assert rows(copy, "runs", "artifact_uri")[3:] == rows(original, "runs", "artifact_uri")[3:]


def test_artifacts_that_were_left_behind_stay_readable_but_new_ones_are_written_here(
    original: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(original / "mlflow.db", copy)
    mend_locations(copy / "mlflow.db")
    assert rows(copy, "runs", "artifact_uri")[:2] == rows(original, "runs", "artifact_uri")[:2]
    assert rows(copy, "experiments", "artifact_location")[1].startswith(copy.as_uri())


@pytest.mark.parametrize("linked", ["original", "original/mlruns"])
def test_a_folder_with_two_names_has_not_been_moved(original: Path, tmp_path: Path, linked: str) -> None:
    link = tmp_path / "link"
    if linked == "original":
        link.symlink_to(original)
    else:
        link.mkdir()
        (link / "mlruns").symlink_to(original / "mlruns")
        shutil.copy(original / "mlflow.db", link)
    before = contents(original)
    mend_locations(link / "mlflow.db")
    assert contents(original) == before
    assert rows(link, "runs", "artifact_uri") == rows(original, "runs", "artifact_uri")


def test_the_places_are_all_that_mlflow_records(empty_store: Path) -> None:
    """Of another version of MLflow there may be more: look whether they must move along."""
    known = {
        ("datasets", "dataset_source"), ("evaluation_dataset_records", "source"), ("mcp_server_versions", "source"),
        ("workspaces", "default_artifact_root"), ("workspaces", "trace_archival_location"),
    }  # fmt: skip
    with closing(sqlite3.connect(empty_store)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {(table, row[1]) for table in tables for row in connection.execute(f"PRAGMA table_info({table})")}
    places = {one for one in columns if re.search(r"uri|location|path|source$|root$|folder", one[1])}
    assert places - known == set(PLACES)


def test_a_path_below_the_project_is_recorded_so_that_it_moves_along(tmp_path: Path) -> None:
    assert portable(PROJECT_ROOT / "outputs" / "0") == "outputs/0"
    assert from_portable("outputs/0") == PROJECT_ROOT / "outputs" / "0"
    assert portable(tmp_path) == str(tmp_path)
    assert from_portable(str(tmp_path)) == tmp_path
    assert from_portable(portable(Path("here"))) == Path("here").absolute()

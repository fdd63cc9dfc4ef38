"""``python src/predict.py`` and ``python src/export.py`` on the models of real runs."""

import csv
import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import Project
from mlplab.app.export import _export
from mlplab.app.predict import _predict
from mlplab.data import test_images as images_to_test_on
from mlplab.errors import UserError

pytestmark = pytest.mark.slow  # real runs: `make test-slow`

QUICK = ["hidden_sizes=[16]", "learning_rate=0.1", "log_every=10", "epochs=30", "batch_size=8"]
WINE = "alcohol,strength,cultivar\n" + "13.5,strong,barolo\n12.1,light,barbera\n" * 20


@pytest.fixture(scope="module")
def trained(project: Project) -> Project:
    """A table's model, one of pictures, and a sweep of both engines."""
    (project.root / "wine.csv").write_text(WINE)
    rng = np.random.default_rng(0)
    for name, shade in (("day", 200), ("night", 50)):
        for place in range(10):
            file = project.root / "skies" / "train" / name / f"{place}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(shade - 40, shade + 40, (9, 12), dtype=np.uint8)).save(file)
    for arguments in (
        ["data=csv", "data.path=wine.csv", "data.label=cultivar", "data.standardize=true"],
        ["data=images", "data.path=skies", "data.image_size=8"],
        ["-m", "data=digits", "engine=numpy,torch", "data.train_size=200"],
    ):
        done = project.train(*arguments, *QUICK)
        assert done.returncode == 0, done.stderr
    return project


def run_of(project: Project, name: str, engine: str = "numpy") -> str:
    wanted = {"data.name": name, "engine": engine}
    (run,) = [run for run in project.runs() if wanted.items() <= run.data.params.items()]
    return str(run.info.run_id)


def predict(project: Project, *arguments: str) -> list[dict[str, str]]:
    """The lines of the file that the command writes."""
    file = project.root / "predictions.csv"
    file.unlink(missing_ok=True)
    _predict([f"tracking.uri={project.uri}", f"out={file}", *arguments])
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_a_table_is_predicted_row_by_row(trained: Project) -> None:
    model = run_of(trained, "csv")
    lines = predict(trained, f"model={model}", f"in={trained.root / 'wine.csv'}", "probabilities=true")
    assert list(lines[0]) == ["row", "class", "probability", "probability of barbera", "probability of barolo"]
    assert [int(line["row"]) for line in lines] == list(range(40))
    assert [line["class"] for line in lines] == ["barolo", "barbera"] * 20
    for line in lines:
        shares = [float(line["probability of barbera"]), float(line["probability of barolo"])]
        assert sum(shares) == pytest.approx(1)
        assert float(line["probability"]) == max(shares)


def test_pictures_are_predicted_by_name(trained: Project, capsys: pytest.CaptureFixture[str]) -> None:
    model = run_of(trained, "images")
    (trained.root / "skies" / "notes.txt").write_text("")
    lines = predict(trained, f"model={model}", f"in={trained.root / 'skies'}")
    assert [line["file"] for line in lines[:2]] == ["train/day/0.png", "train/day/1.png"]
    assert all(line["class"] == line["file"].split("/")[1] for line in lines)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "20 rows to predict"
    assert said[1].startswith(f"{trained.root / 'predictions.csv'}: 20 rows predicted by ")
    assert said[1].endswith("; 1 other file left out")


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_the_test_set_is_predicted_as_its_run_recorded(trained: Project, engine: str) -> None:
    run, found = run_of(trained, "digits", engine), images_to_test_on("digits", "")
    assert found is not None
    np.savez(trained.root / "digits.npz", x=found[0], y_test=found[1])
    lines = predict(trained, f"model={run}", f"in={trained.root / 'digits.npz'}")
    (file,) = trained.root.glob(f"mlruns/*/{run}/artifacts/test_predictions.csv")
    recorded = np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64)
    assert [int(line["class"]) for line in lines] == recorded[:, -1].tolist()


def test_a_terminal_shows_how_far_it_is(trained: Project) -> None:
    np.savez(trained.root / "many.npz", x=np.zeros((2_500, 64), np.uint8))
    model = run_of(trained, "digits")
    command = [sys.executable, "src/predict.py", f"model={model}", "in=many.npz", "out=many.csv"]
    own, other = pty.openpty()
    shown = b""
    with subprocess.Popen(command, cwd=trained.root, env=trained.environment(TERM="xterm"), stdout=other) as done:
        os.close(other)
        with suppress(OSError):  # Linux reports the end of a terminal as an error
            while part := os.read(own, 4_096):
                shown += part
    os.close(own)
    assert done.returncode == 0
    assert b"2000/2500" in shown
    assert len((trained.root / "many.csv").read_text().splitlines()) == 2_501


def test_a_model_of_other_rows_is_named(trained: Project, tmp_path: Path) -> None:
    table = trained.root / "wine.csv"
    with pytest.raises(UserError) as raised:
        _predict([f"tracking.uri={trained.uri}", f"in={table}", f"out={tmp_path / 'out.csv'}"])
    said = str(raised.value)
    assert said.startswith(f"in={table}: model=best, which is "), said
    run = said.partition(" (")[2].partition(")")[0]
    assert len([one for one in trained.runs() if one.info.run_id.startswith(run)]) == 1
    assert said.endswith(
        ", of raw pixels, whole numbers from 0 to 16, of shape (N, 64) or (N, 8, 8); model= takes another"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "in=: is missing; in=FILE or in=FOLDER says what is predicted"),
        (["in="], "in=: is missing; in=FILE or in=FOLDER says what is predicted"),
        (["source=x"], "source=x: is no key=value of this command; it takes model, in, out, probabilities, array, "),
        (["in=wine.csv", "centred=7.5"], "centred=7.5: Value '7.5' is not a valid bool"),
        (["in=nowhere"], "in=nowhere: there is no such file or folder"),
        (["in=/dev/null"], "in=/dev/null: there is no such file or folder"),
        (
            ["in=wine.csv", "model="],
            "model=: has no value; give one, or leave the key out; see `--help`",
        ),
        (
            ["in=wine.csv", "model=nothing"],
            "model=nothing: takes best and runner-up (of the last sweep), a run's id, ",
        ),
    ],
)
def test_a_mistake_is_named_and_nothing_is_written(
    trained: Project, arguments: list[str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as raised:
        _predict([f"tracking.uri={trained.uri}", f"out={tmp_path / 'out.csv'}", *arguments])
    assert str(raised.value).startswith(message)
    assert not list(tmp_path.iterdir())


def test_a_wrong_row_leaves_no_file(trained: Project, tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("alcohol,strength\n" + "13,light\n" * 1_500 + "much,light\n")
    with pytest.raises(UserError) as raised:
        _predict([f"tracking.uri={trained.uri}", f"model={run_of(trained, 'csv')}", f"in={table}",
                  f"out={tmp_path / 'out.csv'}"])  # fmt: skip
    assert str(raised.value) == (
        f"in={table}: row 1501 below the header, column alcohol is 'much': takes a finite number"
    )
    assert [file.name for file in tmp_path.iterdir()] == ["rows.csv"]


def test_a_file_that_exists_is_kept(trained: Project, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("mine")
    arguments = [f"tracking.uri={trained.uri}", f"model={run_of(trained, 'csv')}", f"in={trained.root / 'wine.csv'}"]
    with pytest.raises(UserError, match=r"out.csv: exists already; remove it, or choose another name$"):
        _predict([*arguments, f"out={out}"])
    assert out.read_text() == "mine"


@pytest.mark.parametrize("name", ["csv", "images", "digits"])
def test_a_models_file_is_checked_on_its_test_set(
    trained: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    import onnxruntime

    out = tmp_path / "model.onnx"
    _export([f"tracking.uri={trained.uri}", f"model={run_of(trained, name)}", f"out={out}"])
    counts = {"csv": 8, "images": 4, "digits": 360}
    said = capsys.readouterr().out
    assert said.startswith(f"{out}: ")
    assert f"on {counts[name]} rows of the test set the same classes, and probabilities within " in said
    classes = onnxruntime.InferenceSession(out).get_modelmeta().custom_metadata_map["classes"]
    named = {"csv": ["barbera", "barolo"], "images": ["day", "night"], "digits": list(range(10))}
    assert json.loads(classes) == named[name]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["format=pt2"], "format=pt2: takes onnx"),
        (
            ["form=onnx"],
            "form=onnx: is no key=value of this command; did you mean format? it takes model, format, out",
        ),
        (["model=nothing"], "model=nothing: takes best and runner-up (of the last sweep), a run's id, champion"),
        (
            ["out=/nowhere/model.onnx"],
            "out=/nowhere/model.onnx: cannot be written (No such file or directory); choose ",
        ),
    ],
)
def test_a_mistake_of_an_export_is_named(trained: Project, arguments: list[str], message: str) -> None:
    with pytest.raises(UserError) as raised:
        _export([f"tracking.uri={trained.uri}", *arguments])
    assert str(raised.value).startswith(message)


def test_without_the_test_set_nothing_is_exported(trained: Project, tmp_path: Path) -> None:
    (trained.root / "wine.csv").rename(tmp_path / "wine.csv")
    try:
        with pytest.raises(UserError, match="no such file; a relative path"):
            _export([f"tracking.uri={trained.uri}", f"model={run_of(trained, 'csv')}", f"out={tmp_path / 'm.onnx'}"])
    finally:
        (tmp_path / "wine.csv").rename(trained.root / "wine.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["predict", "export"])
def test_the_help_names_what_can_be_typed(project: Project, command: str) -> None:
    done = project.run(command, "--help")
    assert done.returncode == 0
    assert "tracking.uri=URI" in done.stdout

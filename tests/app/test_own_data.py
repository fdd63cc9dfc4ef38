"""Data of people's own through the real command: sweeps, their pages, and models that predict raw rows."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow.entities import Run
from PIL import Image
from playwright.sync_api import Browser
from sklearn.datasets import load_wine

from conftest import Project, opened

QUICK = ["hidden_sizes=[8]", "learning_rate=0.1", "batch_size=16", "log_every=5", "epochs=3"]
WINE = [
    "data=csv",
    "data.path=wine.csv",
    "data.label=cultivar",
    "data.standardize=true",
    "engine=numpy,torch",
    "seed=0,1",
    "hydra/launcher=joblib",
]
NAMES = np.array(["barolo", "barbera", "grignolino"])
PREDICT = """
import json, sys
sys.modules["mlplab"] = None  # importing it now raises ImportError
import mlflow.pyfunc, numpy as np, pandas as pd
raw = pd.read_csv(sys.argv[2]) if sys.argv[2].endswith("csv") else np.load(sys.argv[2])
model = mlflow.pyfunc.load_model(sys.argv[1])
named = model.predict(raw, params={"probabilities": True})
labels = model.predict(raw).tolist()
assert named["class"].tolist() == labels
for label, row in zip(labels, named["probabilities"], strict=True):
    assert max(row, key=row.get) == str(label) and abs(sum(row.values()) - 1) < 1e-9
print(json.dumps(labels))
"""

NET = """
from math import prod
from torch import nn

class Net(nn.Sequential):
    def __init__(self, classes, image_shape):
        super().__init__(
            nn.Flatten(), nn.Linear(prod(image_shape), 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, classes)
        )
"""


def predict(project: Project, run: Run, raw: pd.DataFrame | np.ndarray) -> list[object]:
    """What the run's model predicts in a process that cannot import the project."""
    file = project.root / ("raw.csv" if isinstance(raw, pd.DataFrame) else "raw.npy")
    if isinstance(raw, pd.DataFrame):
        raw.to_csv(file, index=False)
    else:
        np.save(file, raw)
    command = [sys.executable, "-c", PREDICT, f"runs:/{run.info.run_id}/model", str(file)]
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment = {**kept, "MLFLOW_TRACKING_URI": project.uri}
    done = subprocess.run(command, cwd=project.root, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    labels: list[object] = json.loads(done.stdout.splitlines()[-1])
    return labels


def swept(project: Project, *arguments: str) -> list[Run]:
    """The members of a new sweep of these arguments; their models are complete."""
    before = {run.info.run_id for run in project.runs()}
    done = project.train("-m", *QUICK, *arguments)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    runs = [run for run in project.runs() if run.info.run_id not in before]
    assert {run.info.status for run in runs} == {"FINISHED"}
    return runs


def recorded(project: Project, run: Run) -> np.ndarray:
    """Label and prediction of each test row, as classes."""
    path = project.client.download_artifacts(run.info.run_id, "test_predictions.csv")
    return np.loadtxt(path, dtype=np.int64, delimiter=",", skiprows=1)


def text_of(project: Project, run: Run, name: str) -> str:
    return Path(project.client.download_artifacts(run.info.run_id, name)).read_text()


def page_of(project: Project) -> Path:
    own = project.sweeps()[-1]
    return Path(project.client.download_artifacts(own.info.run_id, "comparison.html"))


@pytest.fixture(scope="module")
def wine(project: Project) -> pd.DataFrame:
    """scikit-learn's wines, with names for the classes and a column of categories, in wine.csv."""
    found = load_wine(as_frame=True)
    frame: pd.DataFrame = found.frame.copy().drop(columns="target")
    frame["strength"] = np.where(frame["alcohol"] > 13, "strong", "light")
    frame["cultivar"] = NAMES[found.target]
    frame.to_csv(project.root / "wine.csv", index=False)
    return frame


@pytest.fixture(scope="module")
def tables(project: Project, wine: pd.DataFrame) -> list[Run]:
    assert len(wine) == 178
    return swept(project, *WINE)


@pytest.mark.slow
def test_members_in_other_processes_find_a_relative_path_and_share_one_test_set(
    project: Project, tables: list[Run]
) -> None:
    assert len(tables) == 4
    assert {run.data.params["data.path"] for run in tables} == {str(project.root / "wine.csv")}
    labels = {tuple(recorded(project, run)[:, 0]) for run in tables}
    assert len(labels) == 1
    assert {run.data.tags["data"] for run in tables} == {"wine.csv"}
    assert all(run.data.metrics["final/test_accuracy"] > 0.6 for run in tables)


@pytest.mark.slow
def test_reports_and_matrices_have_the_names_of_the_classes(project: Project, tables: list[Run]) -> None:
    report = json.loads(text_of(project, tables[0], "classification_report_test.json"))
    assert list(report)[:3] == sorted(NAMES)
    matrix = pd.read_csv(project.client.download_artifacts(tables[0].info.run_id, "confusion_matrix.csv"), index_col=0)
    assert (list(matrix.index), list(matrix.columns)) == (sorted(NAMES), sorted(NAMES))
    pairs = recorded(project, tables[0])
    counts = np.zeros((3, 3), int)
    np.add.at(counts, (pairs[:, 0], pairs[:, 1]), 1)
    np.testing.assert_array_equal(matrix.to_numpy(), counts)


@pytest.mark.slow
def test_the_data_set_is_an_input_of_the_run_with_its_file_and_classes(project: Project, tables: list[Run]) -> None:
    (used,) = tables[0].inputs.dataset_inputs
    assert used.dataset.name == "wine.csv"
    assert json.loads(used.dataset.source) == {"uri": str(project.root / "wine.csv")}
    profile = json.loads(used.dataset.profile)
    assert (profile["train"], profile["test"], profile["classes"]) == (142, 36, sorted(NAMES))
    assert "image_shape" not in profile


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_the_model_of_a_table_predicts_names_from_raw_rows(
    project: Project, tables: list[Run], wine: pd.DataFrame, engine: str
) -> None:
    run = next(run for run in tables if run.data.params["engine"] == engine)
    predicted = predict(project, run, wine.drop(columns="cultivar"))
    assert set(predicted) <= set(NAMES)
    right = np.mean(np.array(predicted) == wine["cultivar"])
    accuracies = run.data.metrics["final/train_accuracy"] * 142 + run.data.metrics["final/test_accuracy"] * 36
    assert right == pytest.approx(accuracies / 178)
    fewer = wine[["strength", *wine.columns.drop(["strength", "cultivar"])]].head(3)  # other order, whole numbers
    assert predict(project, run, fewer.astype({"magnesium": int})) == predicted[:3]


@pytest.mark.slow
def test_the_page_names_classes_and_shows_the_hardest_rows(
    project: Project, tables: list[Run], browser: Browser
) -> None:
    assert tables
    page = page_of(project)
    text = page.read_text()
    assert "Hardest test rows" in text
    assert "(95 % Wilson interval, 36 rows)" in text
    assert "customdata} rows, " in text
    assert not re.search(r"\d images? ", text)
    assert re.search(r"<th>alcohol</th>.*<th>\.\.\.</th>", text, re.S)
    with opened(browser, page.as_uri()) as shown:
        rows = shown.locator("#hardest tbody tr")
        assert rows.count() > 0
        row, found, label = (rows.first.locator("td").nth(place).inner_text() for place in range(3))
        assert recorded(project, tables[0])[int(row), 0] == sorted(NAMES).index(label)
        (number,) = re.fullmatch(r"row (\d+) below the header", found).groups()  # type: ignore[union-attr]
        assert pd.read_csv(project.root / "wine.csv")["cultivar"][int(number) - 1] == label
        chart = shown.locator("#confusion")
        chart.scroll_into_view_if_needed()
        chart.locator("text=grignolino").first.wait_for()
        by_class = shown.locator("#class-recall")
        by_class.scroll_into_view_if_needed()
        by_class.locator("text=barolo").first.wait_for()


@pytest.mark.slow
def test_the_same_command_with_resume_knows_the_sweep(project: Project, tables: list[Run]) -> None:
    keys = ["data=csv", "data.path=wine.csv", "data.label=cultivar", "data.standardize=true"]
    again = project.train(
        "-m", *QUICK, *keys, "engine=numpy,torch", "seed=0,1", "hydra/launcher=joblib", "resume=true"
    )
    assert again.returncode == 0, again.stderr
    assert "4 runs (4 finished); 0 to run" in again.stdout
    assert len(tables) == 4


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_a_sweep_over_an_npz_file_and_its_model(project: Project, engine: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 3, 2)).astype(np.float32) + np.repeat([0, 2, 4], 30)[:, None, None]
    y = np.repeat([7, 8, 9], 30)
    np.savez(project.root / "mine.npz", x_train=x, y_train=y, x_test=x[::5], y_test=y[::5])
    runs = swept(project, "data=npz", "data.path=mine.npz", f"engine={engine}", "activation=relu,tanh")
    for run in runs:
        predicted = predict(project, run, x[::5])
        np.testing.assert_array_equal(predicted, np.array([7, 8, 9])[recorded(project, run)[:, 1]])
    assert "Hardest test" in page_of(project).read_text()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_a_sweep_over_a_folder_of_pictures_and_its_model(project: Project, engine: str) -> None:
    rng = np.random.default_rng(0)
    folder = project.root / "pets"
    pictures = []
    for split in ("train", "test"):
        for kind, shade in (("cat", 60), ("dog", 90)):
            (folder / split / kind).mkdir(parents=True, exist_ok=True)
            for number in range(12):
                pixels = np.clip(rng.normal(shade, 30, (9, 9, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / split / kind / f"{number:02}.png")
                pictures += [pixels] if split == "test" else []
    keys = ["data=images", "data.path=pets", "data.image_size=6", f"engine={engine}", "seed=0,1"]
    for run in swept(project, *keys):
        predicted = predict(project, run, np.stack(pictures))
        assert set(predicted) <= {"cat", "dog"}
        assert predicted == np.array(["cat", "dog"])[recorded(project, run)[:, 1]].tolist()
    page = page_of(project).read_text()
    assert re.search(r'alt="test image \d+: true (cat|dog), predicted (cat|dog)" src="data:image/png', page)


def test_a_fault_in_the_data_is_one_message_and_leaves_no_run(project: Project, wine: pd.DataFrame) -> None:
    assert len(wine)
    before = len(project.runs())
    done = project.train("data=csv", "data.path=wine.csv", "data.label=cultivars")
    assert done.returncode == 1
    assert done.stderr.startswith("ERROR: data.label=cultivars: ")
    assert "did you mean cultivar?" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert len(project.runs()) == before


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (
            "network=cnn engine=torch",
            "network=cnn: takes pictures, and data=csv has rows of 15 numbers; take network=mlp",
        ),
        ("data.path=no.csv", "data.path={}/no.csv: no such file; a relative path is taken from where the command is "),
        ("data.path=conf", "data.path={}/conf: is a folder; data=csv takes a file"),
    ],
)
def test_what_does_not_fit_is_one_message(project: Project, wine: pd.DataFrame, typed: str, message: str) -> None:
    assert len(wine)
    keys = ["data=csv", "data.label=cultivar", *([] if "data.path" in typed else ["data.path=wine.csv"])]
    done = project.train(*keys, *typed.split())
    assert done.returncode == 1
    assert done.stderr.startswith(f"ERROR: {message.format(project.root)}")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_network_of_anybody_takes_pictures_and_tables_and_its_model_predicts_from_raw_rows(
    project: Project, wine: pd.DataFrame
) -> None:
    (project.root / "nets").mkdir()
    (project.root / "nets" / "net_of_tables.py").write_text(NET)
    rng = np.random.default_rng(0)
    pictures = rng.normal(size=(60, 8, 9, 2)) + np.repeat([0.0, 1.0], 30)[:, None, None, None]
    np.savez(project.root / "pictures.npz", x_train=pictures, y_train=np.repeat(["off", "on"], 30))
    raw = {"csv": wine.drop(columns="cultivar"), "npz": pictures}
    own = ["--config-dir", str(project.root / "nets" / "conf"), "network._target_=net_of_tables.Net"]
    (project.root / "nets" / "conf").mkdir()
    keys = {
        "csv": [*own, *WINE[:4], "keep=best", "data.val_size=30"],
        "npz": ["data=npz", "data.path=pictures.npz", "network=cnn", "network.hidden=8", "data.standardize=true"],
    }
    for kind, arguments in keys.items():
        done = project.train(*arguments, "engine=torch", *QUICK[1:])
        assert (done.returncode, done.stderr) == (0, "")
        run = max(project.runs(), key=lambda one: one.info.start_time)
        predicted = predict(project, run, raw[kind])
        rows = {"csv": 178, "npz": 60}[kind]
        assert len(predicted) == rows
        splits = [split for split in ("train", "val", "test") if f"final/{split}_accuracy" in run.data.metrics]
        (used,) = run.inputs.dataset_inputs
        profile = json.loads(used.dataset.profile)
        right = sum(run.data.metrics[f"final/{split}_accuracy"] * profile[split] for split in splits)
        labels = wine["cultivar"].tolist() if kind == "csv" else ["off"] * 30 + ["on"] * 30
        assert sum(map(str.__eq__, map(str, predicted), labels)) == pytest.approx(right)

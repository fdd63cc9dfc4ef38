"""What the inputs of runs are called: images or rows, as the record of their data set says."""

import json
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Dataset, DatasetInput

from mlplab.comparison import query
from mlplab.comparison.inputs import thing_of, thing_of_all
from mlplab.store.store import Store, connect

IMAGES = {"test": 9, "pixel_max": 255.0, "classes": ["cat", "dog"], "image_shape": [8, 8, 3]}
ROWS = {"test": 9, "pixel_max": 1.0, "classes": ["1", "2"]}
OLDER = {"test": 9, "pixel_max": 255.0}  # of a published set, before shapes were recorded


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Store:
    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    return connect(f"sqlite:///{tmp_path / 'mlflow.db'}", "lab")


def record(store: Store, profile: dict[str, Any] | None) -> str:
    run_id = str(store.client.create_run(store.experiment_id).info.run_id)
    if profile is not None:
        used = Dataset("wine.csv", run_id, "local", "{}", profile=json.dumps(profile))
        store.client.log_inputs(run_id, [DatasetInput(used)])
    return run_id


@pytest.mark.parametrize(
    ("profiles", "thing"),
    [([IMAGES], "image"), ([OLDER], "image"), ([ROWS], "row"), ([None], "row"), ([IMAGES, ROWS], "row")],
)
def test_the_recorded_shape_decides_the_word(store: Store, profiles: list[dict[str, Any] | None], thing: str) -> None:
    ids = [record(store, profile) for profile in profiles]
    assert thing_of_all(query.find_runs(store)) == thing
    assert thing_of(store.client.get_run(ids[-1])) == thing


def test_names_of_classes_are_read_from_the_same_record(store: Store) -> None:
    record(store, ROWS)
    assert query.find_runs(store)["class_names"].tolist() == [("1", "2")]

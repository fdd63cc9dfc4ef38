"""What stands in words on MLflow's page of a run."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mlplab.config import TrackingConfig, TrainConfig
from mlplab.schema import NOTE_TAG, OWN_SWEEP_TAG, REPORT_TAG
from mlplab.tracking.description import MOST_CHARACTERS, describe_run, describe_sweep
from mlplab.tracking.run import Run
from mlplab.tracking.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Store:
    shutil.copy(empty_store, tmp_path)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    return open_store(TrackingConfig(uri=uri, experiment="lab", sweep=None, job=None, run_name=None))


def test_a_single_run_is_one_line(store: Store, settings: Callable[..., TrainConfig]) -> None:
    text = describe_run(store, settings("activation=relu", "iterations=5000"), "mnist")
    assert "\n" not in text
    assert text.startswith("relu with hidden layers 500-250-100, sgd at learning rate 0.01, batches of 64, 5,000 iter")
    assert "](" not in text


def test_a_member_links_to_the_curves_and_the_comparison_of_its_sweep(
    store: Store, settings: Callable[..., TrainConfig]
) -> None:
    own = store.client.create_run(store.experiment_id, tags={OWN_SWEEP_TAG: "s", REPORT_TAG: "result.html"})
    text = describe_run(store, settings("tracking.sweep=s"), "mnist")
    assert "(#/experiments/1/runs?searchFilter=tags.sweep%20%3D%20%27s%27&compareRunsMode=CHART&" in text
    assert f"(#/experiments/1/runs/{own.info.run_id}/artifacts/result.html?workflowType=machine_learning)" in text


def test_the_command_of_a_sweep_is_text_and_not_longer_than_mlflow_takes(store: Store) -> None:
    text = describe_sweep(store, "s", ["a=`<b>[x](y)", "b=" + "1," * 9_000], ["a"], 3)
    assert text.startswith("3 runs over `a`: `a='<b>[x](y) b=1,1,")
    assert len(text) < MOST_CHARACTERS + 500


def test_what_people_wrote_stays_when_a_run_is_resumed(store: Store, tmp_path: Path) -> None:
    with Run(store, "name", {}, tmp_path) as run:
        run.describe("ours")
    store.client.set_tag(run.run_id, NOTE_TAG, "theirs")
    with Run(store, "name", {}, tmp_path, resumed=run.run_id) as run:
        run.describe("ours")
    assert store.client.get_run(run.run_id).data.tags[NOTE_TAG] == "theirs"

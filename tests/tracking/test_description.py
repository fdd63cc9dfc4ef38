"""What MLflow's page says of a run in words."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mlplab.config import TrainConfig
from mlplab.schema import NOTE_TAG, OWN_SWEEP_TAG, REPORT_TAG
from mlplab.store.store import Store
from mlplab.store.target import Target
from mlplab.tracking.description import MOST_CHARACTERS, describe_run, describe_sweep, sweep_links
from mlplab.tracking.run import Run


@pytest.fixture
def target(tmp_path: Path, empty_store: Path) -> Target:
    shutil.copy(empty_store, tmp_path)
    return Target(f"sqlite:///{tmp_path / 'mlflow.db'}", "lab")


@pytest.fixture
def store(target: Target) -> Store:
    return target.connect()


def test_a_single_run_is_one_line(settings: Callable[..., TrainConfig]) -> None:
    text = describe_run(settings("activation=relu", "iterations=5000"), "mnist")
    assert "\n" not in text
    assert text.startswith("relu with hidden layers 500-250-100, sgd at learning rate 0.01, batches of 64, 5,000 iter")
    assert "](" not in text


def test_a_member_links_to_the_curves_and_the_comparison_of_its_sweep(
    target: Target, store: Store, tmp_path: Path, settings: Callable[..., TrainConfig]
) -> None:
    own = store.client.create_run(store.experiment_id, tags={OWN_SWEEP_TAG: "s", REPORT_TAG: "result.html"})
    with Run(target, "name", {}, tmp_path / "run") as run:
        run.describe(describe_run(settings("tracking.sweep=s"), "mnist"), "s")
    text = store.client.get_run(str(run.run_id)).data.tags[NOTE_TAG]
    assert "(#/experiments/1/runs?searchFilter=tags.sweep%20%3D%20%27s%27&compareRunsMode=CHART&" in text
    assert f"(#/experiments/1/runs/{own.info.run_id}/artifacts/result.html?workflowType=machine_learning)" in text
    assert sweep_links(store, "s") in text


def test_the_command_of_a_sweep_is_text_and_not_longer_than_mlflow_takes() -> None:
    text = describe_sweep(["a=`<b>[x](y)", "b=" + "1," * 9_000], ["a"], 3)
    assert text.startswith("3 runs over `a`: `a='<b>[x](y) b=1,1,")
    assert len(text) < MOST_CHARACTERS + 500


def test_what_people_wrote_stays_when_a_run_is_resumed(target: Target, store: Store, tmp_path: Path) -> None:
    with Run(target, "name", {}, tmp_path / "run") as run:
        run.describe("ours", None)
    store.client.set_tag(str(run.run_id), NOTE_TAG, "theirs")
    with Run(target, "name", {}, tmp_path / "run", goes_on=True) as run:
        run.describe("ours", None)
    assert store.client.get_run(str(run.run_id)).data.tags[NOTE_TAG] == "theirs"

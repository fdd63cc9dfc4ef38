"""All that a store has of its runs is in the other store afterwards, once, however often copying was interrupted."""

import math
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelOutput,
    LoggedModelStatus,
    Metric,
    Param,
    Run,
    RunTag,
)

from mlplab.errors import StoreAwayError, StoreError
from mlplab.migration import migrating
from mlplab.migration.copying import complete
from mlplab.migration.logged_models import all_models
from mlplab.migration.migrating import Migration, Report, open_source
from mlplab.schema import BEST_RUN_TAG, ERROR_TAG, MIGRATED_FROM_TAG, MIGRATED_TAG
from mlplab.store.store import Store, connect

Stores = Callable[[str], Store]


@pytest.fixture
def stores(tmp_path: Path, empty_store: Path) -> Stores:
    """A function that returns the store in a folder of this name."""

    def at(name: str) -> Store:
        folder = tmp_path / name
        if not folder.exists():
            folder.mkdir()
            shutil.copy(empty_store, folder)
        return connect(f"sqlite:///{folder / 'mlflow.db'}", "lab")

    return at


def add_run(store: Store, name: str, status: str = "FINISHED", points: int = 3) -> str:
    run = store.client.create_run(store.experiment_id, start_time=1_000, run_name=name)
    run_id = str(run.info.run_id)
    metrics = [Metric(f"m{step % 2}", step / 3, 2_000 + step, step) for step in range(points)]
    store.client.log_batch(run_id, metrics=metrics, params=[Param("seed", "1")], tags=[RunTag("team", "vision")])
    store.client.log_text(run_id, f"{name} is {run_id}", "folder/note.txt")
    if status != "RUNNING":
        store.client.set_terminated(run_id, status, 9_000)
    return run_id


def migrate(source: Store, target: Store) -> Report:
    return Migration(open_source(source.uri), target.uri).carry_out(lambda _: None)


def copies(store: Store) -> dict[str, Run]:
    found = {run.data.tags[MIGRATED_FROM_TAG]: run for run in store.search("")}
    assert len(found) == len(store.search(""))
    return found


def test_a_copy_has_everything_that_the_run_has(stores: Stores) -> None:
    source, target = stores("here"), stores("there")
    add_run(target, "of somebody else")
    known = add_run(source, "first", points=2_345)
    odd = [Metric("odd", value, 1, step) for step, value in enumerate((math.nan, math.inf, -math.inf, -0.0, 5e-324))]
    source.client.log_batch(known, metrics=odd)
    data = DatasetInput(Dataset("digits", "abc", "local", '{"a": 1}', None, "{}"), [InputTag("context", "training")])
    source.client.log_inputs(known, [data])
    for letter in "abc":
        source.client.log_batch(known, params=[Param(f"{letter}{number}", str(number)) for number in range(80)])
    report = migrate(source, target)
    assert (report.runs, report.points, report.files, report.differing) == (1, 2_350, 1, {})
    (copy,) = target.search(f"tags.`{MIGRATED_FROM_TAG}` = '{known}'")
    run = source.client.get_run(known)
    assert (copy.info.run_name, copy.info.status, copy.info.start_time, copy.info.end_time) == (
        "first", "FINISHED", 1_000, 9_000,
    )  # fmt: skip
    assert copy.info.user_id == run.info.user_id
    assert copy.data.params == run.data.params
    assert run.data.tags.items() <= copy.data.tags.items()
    assert copy.inputs.dataset_inputs[0].to_dictionary() == data.to_dictionary()
    points = target.client.get_metric_history(copy.info.run_id, "odd")
    values = [point.value for point in sorted(points, key=lambda point: point.step)]
    assert math.isnan(values[0])
    assert values[1:] == [sys.float_info.max, -sys.float_info.max, 0.0, 5e-324]
    assert text_of(target, copy.info.run_id) == f"first is {copy.info.run_id}"


def text_of(store: Store, run_id: str) -> str:
    return Path(store.client.download_artifacts(run_id, "folder/note.txt")).read_text()


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED"])
def test_a_copy_ended_as_the_run_did(stores: Stores, status: str) -> None:
    source, target = stores("here"), stores("there")
    known = add_run(source, "run", status)
    migrate(source, target)
    assert copies(target)[known].info.status == status


def test_runs_that_name_each_other_name_the_copies(stores: Stores) -> None:
    source, target = stores("here"), stores("there")
    first, second = add_run(source, "first"), add_run(source, "second")
    source.client.set_tag(first, BEST_RUN_TAG, second)
    source.client.set_tag(second, "mlflow.parentRunId", first)
    migrate(source, target)
    found = copies(target)
    assert found[first].data.tags[BEST_RUN_TAG] == found[second].info.run_id
    assert found[second].data.tags["mlflow.parentRunId"] == found[first].info.run_id


def test_what_is_there_whole_is_left_alone(stores: Stores) -> None:
    source, target = stores("here"), stores("there")
    known = add_run(source, "run")
    migrate(source, target)
    target.client.set_tag(copies(target)[known].info.run_id, "mlflow.note.content", "edited there")
    add_run(source, "another")
    report = migrate(source, target)
    assert (report.present, report.runs) == (1, 1)
    assert copies(target)[known].data.tags["mlflow.note.content"] == "edited there"
    assert len(target.search("")) == 2


@pytest.mark.slow
@pytest.mark.parametrize("steps", range(1, 8))
def test_a_copy_that_was_interrupted_anywhere_is_completed(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    source, target = stores("here"), stores("there")
    known = {add_run(source, "first", points=2_500), add_run(source, "second", "KILLED")}
    calls = 0

    def interrupt(function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **keywords: object) -> object:
            nonlocal calls
            calls += 1
            if calls > steps:
                raise StoreAwayError("gone")
            return function(*arguments, **keywords)

        return call

    with monkeypatch.context() as patch:
        migration = Migration(open_source(source.uri), target.uri)
        for store in {id(one.target.client): one.target for one, _ in migration.todo}.values():
            for name in ("create_run", "log_batch", "log_artifact", "set_terminated", "set_tag"):
                patch.setattr(store.client, name, interrupt(getattr(store.client, name)))
        with pytest.raises(StoreAwayError):
            migration.carry_out(lambda _: None)
    report = migrate(source, target)
    assert not report.differing
    assert report.runs + report.present == 2
    found = copies(target)
    assert found.keys() == known
    for run_id, copy in found.items():
        assert len(target.points(copy.info.run_id)) == len(source.points(run_id))
        assert MIGRATED_TAG in copy.data.tags


def test_a_run_that_went_on_after_it_was_copied_is_completed(stores: Stores) -> None:
    source, target = stores("here"), stores("there")
    known = add_run(source, "run", "FAILED")
    source.client.set_tag(known, ERROR_TAG, "the disk is full")
    migrate(source, target)
    source.client.delete_tag(known, ERROR_TAG)
    source.client.log_metric(known, "m0", 1.0, 5_000, 77)
    source.client.log_text(known, "whole", "folder/note.txt")
    source.client.set_terminated(known, "FINISHED", 10_000)
    report = migrate(source, target)
    assert (report.runs, report.differing) == (1, {})
    copy = copies(target)[known]
    assert (copy.info.status, copy.info.end_time) == ("FINISHED", 10_000)
    assert ERROR_TAG not in copy.data.tags
    assert copy.data.tags["team"] == "vision"
    assert len(target.points(copy.info.run_id)) == 4
    assert text_of(target, copy.info.run_id) == "whole"


def test_a_run_that_comes_back_is_the_one_that_it_was_copied_from(stores: Stores) -> None:
    here, there = stores("here"), stores("there")
    known, other = add_run(here, "first", "KILLED"), add_run(here, "second")
    here.client.set_tag(known, BEST_RUN_TAG, other)
    migrate(here, there)
    assert (migrate(there, here).present, len(here.search(""))) == (2, 2)
    copy = copies(there)[known].info.run_id
    there.client.log_metric(copy, "m0", 1.0, 5_000, 77)
    there.client.set_terminated(copy, "FINISHED", 10_000)
    report = migrate(there, here)
    assert (report.present, report.runs, report.differing) == (1, 1, {})
    run = here.client.get_run(known)
    assert (run.info.status, run.info.end_time, len(here.points(known))) == ("FINISHED", 10_000, 4)
    assert run.data.tags[BEST_RUN_TAG] == other
    assert text_of(here, known) == f"first is {known}"
    assert len(here.search("")) == 2
    assert migrate(there, here).present == 2


def test_a_run_that_is_being_written_is_named_and_not_copied(stores: Stores) -> None:
    source, target = stores("here"), stores("there")
    running = add_run(source, "run", "RUNNING")
    assert migrate(source, target).running == [running]
    assert not target.search("")


def test_what_differs_is_named_and_the_copy_is_not_marked_as_whole(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = stores("here"), stores("there")
    add_run(source, "run")

    def damage(store: Store, run_id: str, *rest: object) -> None:
        complete(store, run_id, *rest)  # type: ignore[arg-type]
        store.client.log_metric(run_id, "m0", 1.0, step=500)
        store.client.log_text(run_id, "another", "folder/note.txt")

    monkeypatch.setattr(migrating, "complete", damage)
    report = migrate(source, target)
    assert report.runs == 0
    (said,) = report.differing.values()
    assert said == ["4 points instead of 3, or others", "artifact folder/note.txt"]
    (copy,) = target.search("")
    assert MIGRATED_TAG not in copy.data.tags


def test_a_run_that_the_store_created_twice_is_there_once(stores: Stores) -> None:
    source, target = stores("here"), stores("there")
    known = add_run(source, "run")
    for _ in range(2):  # as after two answers that were lost
        target.client.create_run(
            target.experiment_id, start_time=1_000, run_name="run", tags={MIGRATED_FROM_TAG: known}
        )
    assert migrate(source, target).runs == 1
    assert len(target.points(copies(target)[known].info.run_id)) == 3


def test_logged_models_come_along_with_their_files_and_name_the_copies(stores: Stores, tmp_path: Path) -> None:
    source, target = stores("here"), stores("there")
    known = add_run(source, "run")
    model = source.client.create_logged_model(source.experiment_id, "net", known, {"a": "b"}, {"c": "d"}, "mlp")
    (tmp_path / "MLmodel").write_text(f"{model.artifact_location}\nmodel_id: {model.model_id}\nrun_id: {known}\n")
    source.client.log_model_artifact(model.model_id, str(tmp_path / "MLmodel"))
    source.client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    source.client.log_outputs(known, [LoggedModelOutput(model.model_id, 7)])
    source.client.log_batch(known, metrics=[Metric("right", 0.5, 9, 0, model.model_id, "digits", "d1", known)])
    for _ in range(2):
        report = migrate(source, target)
        assert (report.models, report.differing) == (1, {})
    (copy,) = all_models(target)
    run = copies(target)[known]
    assert (copy.name, copy.source_run_id, copy.params, copy.model_type) == ("net", run.info.run_id, {"c": "d"}, "mlp")
    assert copy.status is LoggedModelStatus.READY
    assert copy.tags["a"] == "b"
    (metric,) = copy.metrics
    assert (metric.key, metric.value, metric.timestamp, metric.dataset_name) == ("right", 0.5, 9, "digits")
    assert metric.run_id == run.info.run_id
    assert [(made.model_id, made.step) for made in run.outputs.model_outputs] == [(copy.model_id, 7)]
    text = Path(copy.artifact_location.removeprefix("file://"), "MLmodel").read_text()
    assert text == f"{copy.artifact_location}\nmodel_id: {copy.model_id}\nrun_id: {run.info.run_id}\n"


def test_the_artifacts_of_a_folder_that_was_moved_come_along(stores: Stores, tmp_path: Path) -> None:
    known = add_run(stores("here"), "run")
    (tmp_path / "here").rename(tmp_path / "moved")
    target = stores("there")
    assert migrate(stores("moved"), target).files == 1
    copy = copies(target)[known].info.run_id
    assert text_of(target, copy) == f"run is {copy}"


def test_a_store_without_runs_has_nothing_to_copy(stores: Stores) -> None:
    assert migrate(stores("here"), stores("there")) == Report()


def test_what_is_not_there_cannot_be_copied(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no run is there yet"):
        open_source(f"sqlite:///{tmp_path / 'none.db'}")

"""A run's model becomes a logged model, once, wherever the store fails in between; where it refuses, artifacts."""

import shutil
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelStatus
from mlflow.exceptions import MlflowException

from mlplab.schema import MODEL, MODEL_DIGEST_TAG
from mlplab.store.model_files import copy_model_files
from mlplab.store.store import Store
from mlplab.store.target import Target
from mlplab.tracking import outbox
from mlplab.tracking.model_digest import digest_of_model
from mlplab.tracking.run import Run
from tracking.conftest import artifacts

STEPS = [
    "create_logged_model", "log_model_artifacts", "finalize_logged_model", "log_outputs", "log_batch",
]  # fmt: skip


def train(target: Target, folder: Path) -> Run:
    """A run with a param, a data set, final metrics and a model."""
    with Run(target, "name", {}, folder) as run:
        run.log_params({"activation": "relu", "note": ""})
        run.log_dataset("digits", "d1", ("local", {"uri": "here"}), {})
        run.log_results({"final/val_accuracy": 0.75})
        (run.artifacts / MODEL / "artifacts").mkdir(parents=True)
        (run.artifacts / MODEL / "MLmodel").write_text("model_uuid: '7'\nflavors: {}\n")
        (run.artifacts / MODEL / "artifacts" / "weights").write_bytes(b"\x00\x01")
        run.files.log_model(MODEL)
    return run


def send(target: Target) -> None:
    """Send what is left, as often as it takes."""
    for _ in range(10):
        outbox.send_all(target)
        if not outbox.unsent_folders():
            return


def the_model(store: Store) -> LoggedModel:
    """The only logged model, with everything that it should have, of the only run."""
    (model,) = store.client.search_logged_models([store.experiment_id])
    (run,) = store.search("")
    assert model.status is LoggedModelStatus.READY
    assert (model.name, model.source_run_id, model.params) == (MODEL, run.info.run_id, {"activation": "relu"})
    (metric,) = model.metrics
    assert (metric.key, metric.value) == ("final/val_accuracy", 0.75)
    assert (metric.dataset_name, metric.dataset_digest) == ("digits", "d1")
    assert [made.model_id for made in run.outputs.model_outputs] == [model.model_id]
    assert len(store.client.get_metric_history(run.info.run_id, "final/val_accuracy")) == 1
    assert model.tags[MODEL_DIGEST_TAG] == run.data.tags[MODEL_DIGEST_TAG]
    return model


def files_of(store: Store, run_id: str, folder: Path) -> Path:
    """Where a copy of the run's model lies."""
    folder.mkdir()
    return copy_model_files(store, store.client.get_run(run_id), folder)


def test_a_model_is_a_logged_model_and_lies_in_the_store_once(target: Target, store: Store, tmp_path: Path) -> None:
    run = train(target, tmp_path / "run")
    send(target)
    model = the_model(store)
    assert artifacts(store, run.run_id) == set()
    assert not list((tmp_path / "run").rglob("weights"))
    here = files_of(store, str(run.run_id), tmp_path / "here")
    assert f"model_id: {model.model_id}" in (here / "MLmodel").read_text()
    assert digest_of_model(here) == model.tags[MODEL_DIGEST_TAG]


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_step_whose_answer_is_lost_is_done_again_with_the_result_of_once(
    remote: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    store, lost = remote.connect(), []
    do = getattr(store.client, step)

    def do_and_lose_the_answer(*arguments: object, **keywords: object) -> object:
        done = do(*arguments, **keywords)
        if not lost and any(one.info.run_id for one in store.search(f"tags.`{MODEL_DIGEST_TAG}` != ''")):
            lost.append(step)
            raise ConnectionResetError("the answer is lost")
        return done

    monkeypatch.setattr(store.client, step, do_and_lose_the_answer)
    train(remote, tmp_path / "run")
    send(remote)
    assert lost
    the_model(store)


@pytest.mark.slow
def test_a_creation_that_the_server_carries_out_late_leaves_no_second_model(
    remote: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = remote.connect()
    create = store.client.create_logged_model

    def create_twice(*arguments: object, **keywords: object) -> object:
        created = create(*arguments, **keywords)  # type: ignore[arg-type]
        time.sleep(0.01)
        create(*arguments, **keywords)  # type: ignore[arg-type]
        return created

    monkeypatch.setattr(store.client, "create_logged_model", create_twice)
    train(remote, tmp_path / "run")
    send(remote)
    the_model(store)


@pytest.mark.parametrize("step", STEPS[:4])
def test_where_the_store_refuses_the_model_is_an_artifact_of_the_run_and_one_warning_says_so(
    target: Target,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    step: str,
) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise MlflowException("no such endpoint", error_code=7)

    monkeypatch.setattr(MlflowClient, step, refuse)
    run = train(target, tmp_path / "run")
    send(target)
    monkeypatch.undo()
    assert store.client.get_run(str(run.run_id)).info.status == "FINISHED"
    assert store.client.search_logged_models([store.experiment_id]) == []
    assert artifacts(store, run.run_id) == {MODEL}
    here = files_of(store, str(run.run_id), tmp_path / "here")
    assert digest_of_model(here) == store.client.get_run(str(run.run_id)).data.tags[MODEL_DIGEST_TAG]
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith("MLflow does not take the model as a logged model (no such endpoint)")


def test_a_folder_that_somebody_removed_costs_the_run_nothing(target: Target, store: Store, tmp_path: Path) -> None:
    offline = Target(target.uri, target.experiment, offline=True)
    train(offline, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "artifacts" / MODEL)
    send(target)
    (run,) = store.search("")
    assert run.info.status == "FINISHED"
    assert store.client.search_logged_models([store.experiment_id]) == []

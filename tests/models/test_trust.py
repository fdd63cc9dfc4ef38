"""A model is loaded only if its files are those that its run saved; the names of models lead to runs."""

import shutil
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import pytest

from mlplab.errors import ConfigError
from mlplab.models.finding import FoundModel, find_model
from mlplab.models.trust import UntrustedModelError
from mlplab.schema import MODEL, MODEL_DIGEST_TAG
from mlplab.store.store import Store
from mlplab.tracking.model import load_model
from mlplab.tracking.model_digest import digest_of_model


@pytest.fixture
def found(store: Store, saved: Path) -> FoundModel:
    """That model in a run which recorded its digest."""
    run = store.client.create_run(store.experiment_id, run_name="one", tags={MODEL_DIGEST_TAG: digest_of_model(saved)})
    store.client.log_artifacts(run.info.run_id, str(saved), MODEL)
    store.client.set_terminated(run.info.run_id)
    return find_model(store, run.info.run_id)


def place_of(found: FoundModel) -> Path:
    """Where the store has its files."""
    return Path(urlparse(str(found.run.info.artifact_uri)).path) / MODEL


def test_a_model_that_is_as_it_was_saved_is_fetched_and_predicts(found: FoundModel, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    model = load_model(found.fetch(tmp_path / "here"))
    assert model.predict(np.array([[9, 0, 0, 0], [0, 9, 0, 0]], np.uint8)).tolist() == ["no", "yes"]


@pytest.mark.parametrize("name", ["MLmodel", "saved_classifier.py", "artifacts/weights.npz", "artifacts/more.py"])
def test_a_model_with_a_file_that_was_changed_or_added_is_refused(
    found: FoundModel, tmp_path: Path, name: str
) -> None:
    with (place_of(found) / name).open("a") as file:
        file.write("\n# changed\nchanged: 1\n")
    (tmp_path / "here").mkdir()
    with pytest.raises(UntrustedModelError, match=f"run {found.run_id}: the files of its model are not those"):
        found.fetch(tmp_path / "here")


def test_a_model_of_which_no_digest_was_recorded_is_refused(store: Store, found: FoundModel, tmp_path: Path) -> None:
    store.client.delete_tag(found.run_id, MODEL_DIGEST_TAG)
    with pytest.raises(UntrustedModelError, match="has recorded no digest"):
        find_model(store, found.run_id).fetch(tmp_path)


def test_what_logging_writes_into_the_card_does_not_change_the_digest(saved: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(saved, tmp_path / "copy")
    card = copy / "MLmodel"
    card.write_text(card.read_text() + f"\nmodel_id: m-{'0' * 32}\nrun_id: {'1' * 32}\nartifact_path: elsewhere\n")
    assert digest_of_model(copy) == digest_of_model(saved)
    card.write_text(card.read_text().replace("loader_module: ", "loader_module: os."))
    assert digest_of_model(copy) != digest_of_model(saved)


def test_each_name_of_a_model_leads_to_its_run(store: Store, found: FoundModel) -> None:
    client, run_id = store.client, found.run_id
    client.create_registered_model("digits")
    logged = client.create_logged_model(store.experiment_id, "other", run_id)
    client.create_model_version("digits", f"runs:/{run_id}/model", run_id)
    client.set_registered_model_alias("digits", "champion", "1")
    names = ["champion", "digits@champion", "models:/digits/1", "models:/digits@champion"]
    for text in names:
        model = find_model(store, text)
        assert (model.run_id, model.name) == (run_id, "digits version 1")
    for text in [run_id, f"runs:/{run_id}/model", f"models:/{logged.model_id}"]:
        model = find_model(store, text)
        assert (model.run_id, model.name) == (run_id, "one")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("best", "there is no sweep"),
        ("runner-up", "there is no sweep"),
        ("champion", "no model is registered"),
        ("digits@champion", "no registered model digits with the alias champion"),
        ("models:/digits/1", "no such version"),
        (f"models:/m-{'0' * 32}", "no such model"),
        ("0" * 32, "no such run"),
        ("../../etc/passwd", "takes best"),
        ("models:/../x", "takes best"),
    ],
)
def test_an_unknown_model_is_one_message_that_lists_what_there_is(
    store: Store, found: FoundModel, text: str, why: str
) -> None:
    assert found
    with pytest.raises(ConfigError) as caught:
        find_model(store, text)
    message = str(caught.value)
    assert message.startswith(f"model={text}: {why}")
    assert message.endswith("the experiment has 1 run and 0 sweeps, no model is registered")

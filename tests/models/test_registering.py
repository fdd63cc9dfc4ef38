"""The champion is whoever is better on validation images by more than noise; the test set chooses nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlparse

import pytest
from mlflow.cli import gc
from mlflow.entities import Dataset, DatasetInput

from mlplab.errors import ConfigError
from mlplab.models.finding import find_model
from mlplab.models.registering import Registration, register_model
from mlplab.models.trust import UntrustedModelError
from mlplab.schema import COMMAND_TAG, DATA_TAG, MODEL, MODEL_DIGEST_TAG, OWN_SWEEP_TAG, SWEEP_TAG
from mlplab.store.store import Store
from mlplab.tracking.model_digest import digest_of_model

Trained = Callable[..., str]


@pytest.fixture
def trained(store: Store, saved: Path) -> Trained:
    """A function that records a finished run with these accuracies; it returns the run's id."""
    digest = digest_of_model(saved)

    def record(
        val: float | None, test: float = 0.5, images: int = 1_000, data: str = "digits", status: str = "FINISHED",
        sweep: str | None = None, **params: object,
    ) -> str:  # fmt: skip
        tags = {DATA_TAG: data, MODEL_DIGEST_TAG: digest} | ({} if sweep is None else {SWEEP_TAG: sweep})
        run_id = str(store.client.create_run(store.experiment_id, run_name="net", tags=tags).info.run_id)
        for key, value in params.items():
            store.client.log_param(run_id, key, value)
        profile = json.dumps({"train": 9, "test": 9, **({} if val is None else {"val": images})})
        store.client.log_inputs(
            run_id, [DatasetInput(Dataset(data, f"{val is None} {images}", "local", "{}", profile=profile))]
        )
        metrics = {"final/test_accuracy": test} | ({} if val is None else {"final/val_accuracy": val})
        for key, value in metrics.items():
            store.client.log_metric(run_id, key, value)
        store.client.log_artifacts(run_id, str(saved), MODEL)
        store.client.set_terminated(run_id, status)
        return run_id

    return record


def registered(store: Store, run_id: str, force: bool = False) -> Registration:
    return register_model(store, find_model(store, run_id), "net", force)


def champion(store: Store) -> str:
    return str(store.client.get_model_version_by_alias("net", "champion").run_id)


def test_the_first_version_is_the_champion_and_says_what_it_is(store: Store, trained: Trained) -> None:
    own = store.client.create_run(store.experiment_id, tags={COMMAND_TAG: "c", OWN_SWEEP_TAG: "s1"}).info.run_id
    run_id = trained(0.9, sweep="s1")
    registration = registered(store, run_id)
    assert (registration.is_champion, registration.reason) == (True, "the first one")
    version = store.client.get_model_version("net", "1")
    assert (version.run_id, version.tags[SWEEP_TAG]) == (run_id, "s1")
    assert version.run_link == store.run_page(run_id)
    assert "| final/val_accuracy | 0.9000 |" in version.description
    assert store.sweep_page("s1") in version.description
    assert store.artifact_page(own, "comparison.html") in version.description


def test_a_run_is_registered_once(store: Store, trained: Trained) -> None:
    run_id = trained(0.9)
    assert registered(store, run_id).is_new
    again = registered(store, run_id)
    assert (again.is_new, again.is_champion) == (False, True)
    assert len(store.client.search_model_versions("name = 'net'")) == 1


@pytest.mark.parametrize(("val", "images", "moves"), [(0.95, 1_000, True), (0.91, 1_000, False), (0.91, 20_000, True)])
def test_a_lead_counts_if_it_is_more_than_noise_on_so_many_images(
    store: Store, trained: Trained, val: float, images: int, moves: bool
) -> None:
    former, new = trained(0.9, images=images), trained(val, images=images)
    registered(store, former)
    registration = registered(store, new)
    assert registration.is_champion is moves
    assert champion(store) == (new if moves else former)
    assert ("which is more than noise" if moves else "which may be noise") in registration.reason
    assert f"leads by {val - 0.9:.4f} ({val:.4f}, 0.9000: {images:,} validation images)" in registration.reason


def test_a_model_that_is_worse_is_registered_and_force_makes_it_the_champion(store: Store, trained: Trained) -> None:
    former, worse = trained(0.9), trained(0.8, test=0.99)
    registered(store, former)
    registration = registered(store, worse)
    assert (registration.is_champion, champion(store)) == (False, former)
    assert "champion stays net version 1: of version 2, its validation accuracy, 0.8000, is not above" in (
        registration.sentences(store)
    )
    assert registered(store, worse, force=True).reason.startswith("force=true, though its validation accuracy")
    assert champion(store) == worse


def test_the_seeds_of_both_recipes_decide_where_there_are_several(store: Store, trained: Trained) -> None:
    rates = {"0.1": [0.90, 0.91, 0.92], "0.2": [0.905, 0.925, 0.915], "0.3": [0.95, 0.955, 0.96]}
    ids = {
        rate: [
            trained(val, images=50_000, sweep="s", learning_rate=rate, seed=seed) for seed, val in enumerate(values)
        ]
        for rate, values in rates.items()
    }
    registered(store, ids["0.1"][2])
    level = registered(store, ids["0.2"][1])
    assert not level.is_champion
    assert "means of 3 and 3 seeds" in level.reason
    assert "which may be noise" in level.reason
    better = registered(store, ids["0.3"][2])
    assert better.is_champion
    assert "which is more than noise" in better.reason


@pytest.mark.parametrize(
    ("former", "new", "why"),
    [
        ({"val": 0.5}, {"val": None, "test": 0.99}, "it has no validation split (data.val_size)"),
        ({"val": None}, {"val": 0.99}, "of the champion, it has no validation split"),
        ({"val": 0.5}, {"val": 0.99, "data": "mnist"}, "its data set is mnist, the champion's digits"),
        ({"val": 0.5}, {"val": 0.99, "data.path": "other.csv"}, "its data.path is other.csv, the champion's None"),
    ],
)
def test_what_cannot_be_compared_moves_no_alias(
    store: Store, trained: Trained, former: dict[str, object], new: dict[str, object], why: str
) -> None:
    first, second = trained(**former), trained(**new)
    assert registered(store, first).is_champion  # also without a validation split: there is none yet
    registration = registered(store, second)
    assert (registration.is_champion, champion(store)) == (False, first)
    assert why in registration.reason
    assert registered(store, second, force=True).is_champion


def test_a_champion_whose_run_was_purged_yields_to_force_alone(
    store: Store, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)
    former, new = trained(0.5), trained(0.99)
    registered(store, former)
    store.client.delete_run(former)
    gc(["--backend-store-uri", store.uri, "--run-ids", former], standalone_mode=False)
    registration = registered(store, new)
    assert (registration.is_champion, champion(store)) == (False, former)
    why = "there is nothing to compare it by: the champion's run is no longer in the store"
    assert registration.reason == why
    assert registered(store, new, force=True).reason == f"force=true, though {why}"
    assert champion(store) == new


@pytest.mark.parametrize("number", ["2", "2147483648", "9" * 23, "9" * 5_000])
def test_a_version_that_there_is_not_is_said_to_be_none(store: Store, trained: Trained, number: str) -> None:
    registered(store, trained(0.9))
    with pytest.raises(ConfigError, match=rf"^model=models:/net/{number}: no such version; .*registered are net$"):
        find_model(store, f"models:/net/{number}")


def test_a_version_may_be_written_with_zeros(store: Store, trained: Trained) -> None:
    run_id = trained(0.9)
    registered(store, run_id)
    assert find_model(store, f"models:/net/{'0' * 20}1").run_id == run_id


def test_what_is_not_finished_or_not_as_it_was_saved_is_not_registered(store: Store, trained: Trained) -> None:
    with pytest.raises(ConfigError, match="the run is FAILED; only a finished one is registered"):
        registered(store, trained(0.9, status="FAILED"))
    run_id = trained(0.9)
    place = Path(urlparse(store.client.get_run(run_id).info.artifact_uri).path)
    (place / MODEL / "saved_classifier.py").write_text("print('somebody else')")
    with pytest.raises(UntrustedModelError):
        registered(store, run_id)
    assert store.client.search_registered_models() == []


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "a@b", "it's"])
def test_a_name_that_no_registered_model_can_have_is_refused(store: Store, trained: Trained, name: str) -> None:
    with pytest.raises(ConfigError, match="takes a name without"):
        register_model(store, find_model(store, trained(0.9)), name)

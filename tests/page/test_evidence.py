"""What a page shows besides the ranking: curves by group, confusion, hardest images; and runs that left nothing."""

import itertools
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow.entities import Metric, Param

from mlplab import data
from mlplab.comparison import query
from mlplab.comparison.judging import add_stored_facts
from mlplab.comparison.ranking import Group, rank
from mlplab.errors import StoreError
from mlplab.page import layer_charts
from mlplab.page.class_charts import shares
from mlplab.page.comparison_page import render_page
from mlplab.page.evidence import Evidence, gather
from mlplab.store.store import Store, connect

LABELS = np.array([0, 1, 2, 3])


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Store:
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    return connect(uri, "lab")


def record(
    store: Store,
    activation: str,
    predictions: Sequence[int] | None,
    labels: Sequence[int] = (0, 1),
    status: str = "",
    name: str = "digits",
    **more: object,
) -> None:
    """A run as it stands in the store; without predictions one that ended before it had any."""
    run_id = store.client.create_run(store.experiment_id, tags={"data": name}).info.run_id
    params = {
        "activation": activation,
        "data.root": "/nowhere",
        "data.name": name,
        **{key: str(value) for key, value in more.items()},
    }
    points = [Metric("train/loss", 1.0, 0, 10)]
    if predictions is not None:
        accuracy = float(np.mean(np.array(predictions) == np.array(labels)))
        points.append(Metric("final/test_accuracy", accuracy, 0, 10))
        text = "\n".join(f"{label},{prediction}" for label, prediction in zip(labels, predictions, strict=True))
        store.client.log_text(run_id, f"label,prediction\n{text}\n", "test_predictions.csv")
        store.client.log_text(run_id, "1,1\n0,2\n", "confusion_matrix.csv")
    store.client.log_batch(run_id, points, [Param(key, value) for key, value in params.items()])
    store.client.set_terminated(run_id, status or "FINISHED")


def evidence(store: Store) -> Evidence:
    runs = query.find_runs(store)
    return gather(store, runs, rank(runs))


def test_confusion_is_summed_over_the_seeds_of_a_group(store: Store) -> None:
    for activation in ("relu", "relu", "tanh"):
        record(store, activation, [0, 1])
    found = evidence(store)
    assert {int(counts.sum()) for counts in found.confusion.values()} == {4, 2}
    np.testing.assert_array_equal(shares(np.array([[1, 3], [0, 0]])), [[0.25, 0.75], [0, 0]])


def test_groups_that_mix_data_sets_have_no_confusions_and_a_page_that_says_so(store: Store) -> None:
    for activation in ("relu", "tanh"):
        record(store, activation, [0, 1])
    record(store, "relu", [2, 1, 0], labels=(0, 1, 2), name="letters")
    runs = query.find_runs(store)
    ranking = rank(runs, group_by=["activation"])
    found = gather(store, runs, ranking)
    (place,) = found.confusion
    assert ranking.groups[place].name == "tanh"
    np.testing.assert_array_equal(found.confusion[place], [[1, 0], [0, 1]])
    assert ranking.warnings[0].startswith("the runs are of different data sets (digits, letters)")
    page = render_page(store, runs, add_stored_facts(store, ranking, runs, []), "mixed")
    assert "different data sets (digits, letters)" in page
    assert "Wilson" not in page
    apart = gather(store, runs, rank(runs))
    assert sorted(len(counts) for counts in apart.confusion.values()) == [2, 2, 3]


def test_confusion_of_older_runs_without_predictions_comes_from_their_file(store: Store) -> None:
    record(store, "relu", None, status="FINISHED")
    (run_id,) = query.find_runs(store)["run_id"]
    store.client.log_text(run_id, "1,1\n0,2\n", "confusion_matrix.csv")
    np.testing.assert_array_equal(evidence(store).confusion[0], [[1, 1], [0, 2]])


def test_the_hardest_images_are_those_that_most_runs_get_wrong(store: Store) -> None:
    images = data.test_images("digits", "/nowhere")
    assert images is not None
    pixels, labels = images
    first, second = labels.copy(), labels.copy()
    first[[5, 7]] = (labels[[5, 7]] + 1) % 10
    second[7] = (labels[7] + 1) % 10
    for predictions in (first, second, labels):
        record(store, "relu", list(predictions), list(labels))
    found = evidence(store)
    assert [(image.index, image.wrong) for image in found.hardest] == [(7, 2), (5, 1)]
    hardest = found.hardest[0]
    assert (hardest.label, hardest.prediction) == (labels[7], (labels[7] + 1) % 10)
    np.testing.assert_array_equal(hardest.pixels, pixels[7].reshape(8, 8))
    assert found.predicting == 3


def test_without_the_images_it_says_why(store: Store) -> None:
    record(store, "relu", [1, 1])
    found = evidence(store)
    assert (found.hardest, found.no_images) == ([], "the data set that the runs saw is not on this machine")
    record(store, "relu", [1, 1], labels=[1, 0])
    assert evidence(store).no_images == "the runs are of different test sets"


def test_runs_that_left_nothing_have_a_page_that_says_so(store: Store) -> None:
    record(store, "relu", None, status="KILLED")
    record(store, "tanh", None, status="FAILED")
    runs = query.find_runs(store)
    page = render_page(store, runs, rank(runs), "nothing")
    assert "2 runs (1 failed, 1 killed)" in page or "2 runs (1 killed, 1 failed)" in page
    assert "no run has finished: nothing to rank" in page
    assert "None to show: no run has recorded its predictions" in page


def test_one_run_has_a_page(store: Store) -> None:
    record(store, "relu", [0, 1])
    runs = query.find_runs(store)
    page = render_page(store, runs, rank(runs), "one")
    assert 'id="curves-train-loss"' in page
    assert 'id="confusion"' in page
    assert 'id="difference"' not in page


def test_two_that_confuse_the_same_have_a_sentence_instead_of_an_empty_chart(store: Store) -> None:
    for activation in ("relu", "tanh"):
        record(store, activation, [0, 0])
    runs = query.find_runs(store)
    page = render_page(store, runs, rank(runs), "two")
    assert re.search(
        r"Between the two that the verdict is about, (relu and tanh|tanh and relu), is no difference", page
    )
    assert 'id="difference"' not in page
    record(store, "linear", [0, 1])
    runs = query.find_runs(store)
    assert 'id="difference"' in render_page(store, runs, rank(runs), "three")


def test_effects_are_drawn_only_where_it_is_told_what_mattered(store: Store) -> None:
    for activation, size in itertools.product(("relu", "tanh"), (16, 32)):
        right = 1 if (activation, size) == ("relu", 32) else 0
        record(store, activation, [0, right], batch_size=size)
    runs = query.find_runs(store)
    page = render_page(store, runs, add_stored_facts(store, rank(runs), runs, []), "four")
    why = "4 combinations of 2 keys have finished, and it takes 12"
    assert f"How much each key explains is not told: {why}." in page
    assert 'id="effects"' not in page
    assert 'id="main-effects"' in page
    assert len(re.findall(why, page)) == 2  # in the notes and in the section


def test_what_equally_many_get_wrong_is_ordered_by_the_margin(store: Store) -> None:
    """Image 9 is missed by a run that is better than the one that misses image 3."""
    images = data.test_images("digits", "/nowhere")
    assert images is not None
    labels = images[1]
    poor, good = labels.copy(), labels.copy()
    poor[[3, *range(20, 60)]] = (labels[[3, *range(20, 60)]] + 1) % 10
    good[9] = (labels[9] + 1) % 10
    for predictions in (poor, good):
        record(store, "relu", list(predictions), list(labels))
    found = evidence(store)
    assert (found.hardest[0].index, found.hardest[0].wrong) == (9, 1)
    assert found.ties == 42 - len(found.hardest)


def points(*rows: tuple[int, str, int, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["group", "key", "step", "value"])


def test_the_gradients_reach_is_early_and_by_group() -> None:
    rows = [
        (group, f"within/layer_{layer}_gradient_norm", step, value if step == 10 else 1.0)
        for group, early in enumerate(([0.01, 1.0], [2.0, 1.0]))
        for layer, value in enumerate(early, start=1)
        for step in (10, 50, 100)
    ]
    found = layer_charts.diagnostics(points(*rows, (0, "train/loss", 10, 1.0)))
    assert layer_charts.reach(found) == {0: pytest.approx(0.01), 1: pytest.approx(2.0)}


def pair(first: str, second: str) -> tuple[Group, Group]:
    one, other = (Group({"activation": name}, [], None, {}, {}) for name in (first, second))
    return one, other


def gradients(first: float, second: float, early_points: int = 5) -> pd.DataFrame:
    """Of two groups with two layers: the gradient at layer 1, while that at layer 2 is 1."""
    rows = [
        (group, f"within/layer_{layer}_gradient_norm", step, norm)
        for group, norms in enumerate(([first, 1.0], [second, 1.0]))
        for layer, norm in enumerate(norms, start=1)
        for step in [*range(1, early_points + 1), 100]
    ]
    return layer_charts.diagnostics(points(*rows))


def test_a_gradient_that_hardly_arrives_explains_the_verdicts_pair() -> None:
    text = layer_charts.explain_difference(gradients(0.01, 2.0), (0, 1), pair("sigmoid", "relu"))
    assert "0.01 times that at the last layer with sigmoid, 2 times with relu: it arrives 200 times weaker." in text
    text = layer_charts.explain_difference(gradients(2.0, 0.0), (0, 1), pair("relu", "tanh"))
    assert text.endswith("0 times that at the last layer with tanh, 2 times with relu: it does not arrive.")


@pytest.mark.parametrize(
    ("inside", "places", "activations"),
    [
        (gradients(1.0, 2.9), (0, 1), ("sigmoid", "relu")),  # a factor that explains nothing
        (gradients(0.01, 2.0, early_points=4), (0, 1), ("sigmoid", "relu")),  # too few points
        (gradients(0.01, 2.0), (0, 1), ("relu", "relu")),  # another key differs
        (gradients(0.01, 2.0), (1, 2), ("sigmoid", "relu")),  # the pair is another one
    ],
)
def test_what_explains_nothing_is_not_said(
    inside: pd.DataFrame, places: tuple[int, int], activations: tuple[str, str]
) -> None:
    assert layer_charts.explain_difference(inside, places, pair(*activations)) == ""


def test_saturated_and_dead_units_are_one_measure() -> None:
    found = layer_charts.diagnostics(
        points((0, "within/layer_1_saturated", 10, 0.25), (1, "within/layer_1_dead", 10, 0.5))
    )
    assert list(found["measure"]) == ["unresponsive"] * 2
    assert list(found["value"]) == [0.25, 0.5]


def test_a_damaged_artifact_is_named(store: Store) -> None:
    record(store, "relu", [0, 1])
    (run_id,) = query.find_runs(store)["run_id"]
    store.client.log_text(run_id, "label,prediction\n1,1\n0", "test_predictions.csv")
    with pytest.raises(StoreError, match=f"run {run_id}: its confusion matrix or predictions are damaged"):
        evidence(store)


def test_points_of_some_metrics_only(store: Store) -> None:
    record(store, "relu", [0, 1])
    (run_id,) = query.find_runs(store)["run_id"]
    assert set(query.find_points(store, [run_id])["key"]) == {"train/loss", "final/test_accuracy"}
    assert set(query.find_points(store, [run_id], ["train/", "test/"])["key"]) == {"train/loss"}

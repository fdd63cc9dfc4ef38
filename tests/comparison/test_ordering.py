"""Which of several tied groups stands first: the same one in whatever order the store gives the runs."""

from itertools import permutations
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow.entities import Metric, Param

from mlplab.comparison.ordering import best_run
from mlplab.comparison.ranking import rank
from mlplab.comparison.sweep_end import find_best
from mlplab.comparison.tables import notes
from mlplab.store.store import connect

ACCURACY, LOSS = "metrics.final/test_accuracy", "metrics.final/test_loss"


def run(activation: str, job: int | None, loss: float | None, accuracy: float = 1.0, seed: int = 0) -> dict[str, Any]:
    return {
        "run_id": f"{activation}{seed}", "name": activation, "status": "FINISHED", "params.activation": activation,
        "params.seed": seed, ACCURACY: accuracy, LOSS: loss, "tags.sweep.job": None if job is None else str(job),
    }  # fmt: skip


def first_of(*runs: dict[str, Any], metric: str | None = None) -> tuple[str, str]:
    """The group that is put first in every order of these runs, and what is said of it."""
    found = [rank(pd.DataFrame(order), metric) for order in permutations(runs)]
    (first,) = {
        (ranking.groups[0].name, " ".join(line for line in notes(ranking) if " tie for " in line)) for ranking in found
    }
    for ranking in found:
        assert [ranking.place_of(group) for group in ranking.ranked if group.mean == ranking.ranked[0].mean].count(
            1
        ) > 1
    return first


def test_a_tie_goes_to_the_lower_loss() -> None:
    name, said = first_of(run("relu", 0, 0.2), run("tanh", 1, 0.1), run("sigmoid", 2, 0.05, accuracy=0.9))
    assert (name, said) == ("tanh", "2 groups tie for the best test acc: tanh is put first by its lower test loss")


def test_the_loss_is_the_mean_over_the_seeds() -> None:
    runs = [run("relu", 0, 0.1), run("relu", 1, 0.4, seed=1), run("tanh", 2, 0.2), run("tanh", 3, 0.2, seed=1)]
    assert first_of(*runs)[0] == "tanh"


@pytest.mark.parametrize("loss", [0.1, None])
def test_without_a_lower_loss_it_goes_to_the_order_of_the_sweep(loss: float | None) -> None:
    name, said = first_of(run("tanh", 2, loss), run("relu", 10, loss))
    assert (name, said) == ("tanh", "2 groups tie for the best test acc: tanh is put first by the order of the sweep")


def test_a_loss_that_is_known_goes_before_one_that_is_not() -> None:
    assert first_of(run("relu", 0, None), run("tanh", 1, 0.3))[0] == "tanh"


def test_outside_of_a_sweep_it_goes_to_the_name() -> None:
    name, said = first_of(run("tanh", None, 0.1), run("relu", None, 0.1))
    assert (name, said) == ("relu", "2 groups tie for the best test acc: relu is put first by its name")


def test_a_loss_that_ranks_has_none_to_break_its_ties() -> None:
    name, said = first_of(run("relu", 1, 0.1, 0.9), run("tanh", 0, 0.1, 0.8), metric="final/test_loss")
    assert (name, said) == ("tanh", "2 groups tie for the best test loss: tanh is put first by the order of the sweep")


def test_validation_is_tied_by_its_own_loss() -> None:
    names = {"metrics.final/test_accuracy": "metrics.final/val_accuracy", LOSS: "metrics.final/val_loss"}
    runs = pd.DataFrame([run("relu", 0, 0.2), run("tanh", 1, 0.1)]).rename(columns=names).assign(**{LOSS: [0.1, 0.9]})
    found = rank(runs)
    assert "2 groups tie for the best val acc: tanh is put first by its lower val loss" in notes(found)


def test_who_ties_stays_as_good_in_the_verdict_and_nothing_is_said_without_a_tie() -> None:
    tied = rank(pd.DataFrame([run("relu", 0, 0.2), run("tanh", 1, 0.1)]))
    assert tied.verdict.startswith("tanh and relu tie at 1.0000; one seed")
    apart = rank(pd.DataFrame([run("relu", 0, 0.2), run("tanh", 1, 0.1, 0.9)]))
    assert not [line for line in notes(apart) if " tie " in line]


def test_the_best_run_of_a_group_is_chosen_alike() -> None:
    runs = [run("relu", job, loss, seed=job) for job, loss in ((0, 0.3), (1, 0.1), (2, 0.1), (3, None))]
    for order in permutations(runs):
        assert best_run(pd.DataFrame(order), "final/test_accuracy", ascending=False) == "relu1"
    assert best_run(pd.DataFrame(runs).drop(columns=[LOSS, "tags.sweep.job"]), "final/test_accuracy", False) == "relu0"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_sweep_has_the_same_best_and_runner_up_however_its_runs_began(
    tmp_path: Path, empty_store: Path, order: tuple[int, ...]
) -> None:
    """The latest run is the first that the store gives: a resume changes which that is."""
    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    store = connect(f"sqlite:///{tmp_path / 'mlflow.db'}", "lab")
    names = ("relu", "tanh", "sigmoid")
    for start, job in enumerate(order):
        tags = {"sweep": "s", "sweep.job": str(job)}
        created = store.client.create_run(store.experiment_id, start_time=1000 * start, tags=tags).info.run_id
        measured = {"final/test_accuracy": 1.0, "final/test_loss": (0.2, 0.1, 0.2)[job]}
        points = [Metric(key, value, 0, 0) for key, value in measured.items()]
        store.client.log_batch(created, points, [Param("activation", names[job])])
        store.client.set_terminated(created)
    found = [find_best(store, "s", place) for place in (1, 2, 3)]
    assert [best.name for best in found if best] == ["tanh", "relu", "sigmoid"]

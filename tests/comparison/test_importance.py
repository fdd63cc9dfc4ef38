"""Which keys mattered: as much as is true of made runs, with seeds as noise, and never told from too few."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mlplab.comparison.documents import FORMATS
from mlplab.comparison.importance import METHOD, Importance, importance_of
from mlplab.comparison.ranking import rank
from mlplab.comparison.tables import importance_lines

AXES = ["activation", "learning_rate", "weight_decay"]
METRIC = "final/val_accuracy"


def searched(count: int, noise: float = 0.01, seed: int = 0) -> pd.DataFrame:
    """Runs of a search in which the rate matters most, the activation for large rates alone, the decay never."""
    rng = np.random.default_rng(seed)
    rate, decay = 10 ** rng.uniform(-3, 0, count), 10 ** rng.uniform(-6, -2, count)
    activation = rng.choice(["relu", "tanh"], count)
    value = 0.5 + 0.1 * np.log10(rate) + 0.2 * ((activation == "relu") & (rate > 0.03))
    return frame(value + noise * rng.standard_normal(count), activation, rate, decay)


def frame(value: np.ndarray, activation: np.ndarray, rate: np.ndarray, decay: np.ndarray) -> pd.DataFrame:  # type: ignore[type-arg]
    return pd.DataFrame(
        {
            "run_id": [f"{i:04}" for i in range(len(value))],
            "status": "FINISHED",
            "params.activation": activation,
            "params.learning_rate": rate,
            "params.weight_decay": decay,
            "params.seed": 0,
            f"metrics.{METRIC}": value,
        }
    )


def told(runs: pd.DataFrame, axes: list[str] = AXES) -> Importance:
    found = importance_of(runs, axes, METRIC)
    assert found is not None
    return found


def test_keys_are_ordered_by_what_they_explain_with_an_interval() -> None:
    found = told(searched(150))
    assert list(found.shares)[2] == "weight_decay"
    assert found.foretold > 0.8
    for share in found.shares.values():
        assert 0 <= share.low <= share.mean <= share.high <= 1
    assert found.shares["weight_decay"].high < 0.05
    assert found.shares["learning_rate"].low > 0.3


def test_what_keys_do_together_is_counted_in_each_of_them() -> None:
    """Neither key alone shifts the mean: all of the variance is in what they do together."""
    signs = [(a, b, c) for a in ("relu", "tanh") for b in (0.1, 1.0) for c in np.linspace(0.1, 1, 10)]
    activation, rate, decay = map(np.array, zip(*signs, strict=True))
    value = np.where((activation == "relu") == (rate.astype(float) > 0.5), 0.9, 0.1)
    shares = told(frame(value, activation, rate.astype(float), decay.astype(float))).shares
    assert shares["activation"].mean > 0.5
    assert shares["learning_rate"].mean > 0.5
    assert shares["weight_decay"].mean < 0.1


def test_the_same_runs_give_the_same_numbers_in_whatever_order() -> None:
    runs = searched(40)
    assert told(runs) == told(runs.sample(frac=1, random_state=1))


def test_runs_of_another_seed_are_no_further_combinations() -> None:
    few = searched(6)
    seeds = pd.concat([few.assign(run_id=few["run_id"] + str(i), **{"params.seed": i}) for i in range(5)])
    found = told(seeds)
    assert (found.runs, found.combinations) == (30, 6)
    assert found.why_none == "6 combinations of 3 keys have finished, and it takes 12"
    assert not found.shares


@pytest.mark.parametrize("seed", range(5))
def test_of_noise_nothing_is_told(seed: int) -> None:
    runs = searched(30)
    runs[f"metrics.{METRIC}"] = np.random.default_rng(seed).standard_normal(30)
    found = told(runs)
    assert not found.shares
    assert "of the variance of others" in found.why_none


def test_equal_values_have_nothing_to_explain() -> None:
    assert told(searched(20).assign(**{f"metrics.{METRIC}": 0.9})).why_none == "all 20 combinations have the same"


def test_keys_that_were_walked_together_cannot_be_told_apart() -> None:
    runs = searched(60)
    rates = pd.Series(np.tile([0.001, 0.01, 0.1], 20))
    runs["params.learning_rate"] = rates
    runs["params.batch_size"] = rates.map({0.001: 256, 0.01: 64, 0.1: 16})
    runs[f"metrics.{METRIC}"] = 0.9 + 0.1 * np.log10(rates)
    found = told(runs, [*AXES, "batch_size"])
    assert next(iter(found.shares)) == "learning_rate and batch_size"


def test_a_key_that_is_null_in_some_runs_is_a_value_like_others() -> None:
    runs = searched(60)
    runs["params.iterations"] = pd.array([100, None] * 30, dtype="Int64")
    runs[f"metrics.{METRIC}"] += np.tile([0.0, 1.0], 30)
    assert next(iter(told(runs, [*AXES, "iterations"]).shares)) == "iterations"


def test_a_run_without_a_finite_value_and_a_repeat_are_not_counted() -> None:
    runs = searched(20)
    runs.loc[0, f"metrics.{METRIC}"] = np.nan
    runs["tags.fingerprint"] = ["same", "same", *map(str, range(18))]
    assert told(runs).runs == 19


@pytest.mark.parametrize(("axes", "metric"), [(["activation"], METRIC), ([], METRIC), (AXES, "my/own")])
def test_one_key_or_no_measurement_is_no_question(axes: list[str], metric: str) -> None:
    assert importance_of(searched(20), axes, metric) is None


def test_the_terminal_names_the_method_and_how_far_to_trust_it() -> None:
    runs = searched(60)
    ranking = replace(rank(runs, METRIC), importance=told(runs))
    shares, how = importance_lines(ranking)
    assert shares.startswith("what mattered for val acc, as shares of its variance: learning_rate ")
    assert "by permutation importance in a random forest of 60 runs, which foretells " in how
    ranking = replace(ranking, importance=told(searched(5)))
    assert importance_lines(ranking) == [
        "what mattered for val acc is not told by permutation importance in a random forest: 5 combinations of 3 keys "
        "have finished, and it takes 12"
    ]


def test_a_document_has_method_shares_and_intervals() -> None:
    runs = searched(60)
    document = json.loads(FORMATS["json"](replace(rank(runs, METRIC), importance=told(runs))))["importance"]
    assert document["method"] == METHOD
    assert (document["metric"], document["runs"], document["why_none"]) == (METRIC, 60, "")
    assert set(document["shares"]["learning_rate"]) == {"mean", "low", "high"}
    assert json.loads(FORMATS["json"](rank(runs, METRIC)))["importance"] is None

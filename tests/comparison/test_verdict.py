"""Verdicts that were wrong once: pooled keys, repeated runs, ties, groups of seeds, and what has not run."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlplab.comparison.ranking import rank
from mlplab.comparison.tables import notes, table_cells, terminal_table
from mlplab.names import member_name


def run(
    seed: int, accuracy: float, fingerprint: str = "", status: str = "FINISHED", **params: object
) -> dict[str, Any]:
    name = member_name({key: str(value) for key, value in params.items()})
    return {
        "run_id": f"{name} {seed} {fingerprint}", "status": status, "params.seed": seed,
        "tags.fingerprint": fingerprint or f"{name} {seed}", "metrics.final/test_accuracy": accuracy,
        **{f"params.{key}": value for key, value in params.items()},
    }  # fmt: skip


def grid(seeds: int) -> pd.DataFrame:
    """Three activations, four learning rates: nothing differs, but that sigmoid collapses with the lowest rate."""
    rng = np.random.default_rng(5)
    rows = []
    for activation, rate in product(("relu", "tanh", "sigmoid"), (0.001, 0.01, 0.1, 1.0)):
        mean = 0.2 if (activation, rate) == ("sigmoid", 0.001) else 0.9
        for seed in range(seeds):
            rows.append(run(seed, mean + rng.normal(0, 0.01), activation=activation, learning_rate=rate))
    return pd.DataFrame(rows)


def test_pooled_keys_are_averaged_within_a_seed_first_and_it_says_so() -> None:
    ranking = rank(grid(5), group_by=["activation"])
    assert [group.summary.n for group in ranking.groups if group.summary] == [5, 5, 5]
    assert "one seed is one observation: the average of its runs, up to 4, which differ in learning_rate" in notes(
        ranking
    )


def test_one_seed_pooled_over_learning_rates_has_no_p_value() -> None:
    ranking = rank(grid(1), group_by=["activation"])
    assert "p =" not in ranking.verdict
    assert "one seed: cannot tell" in ranking.verdict
    assert "±" not in terminal_table(ranking)


def test_the_same_seed_run_twice_is_one_observation() -> None:
    rows = []
    for activation, accuracy in (("relu", 0.97), ("tanh", 0.96)):
        once = run(0, accuracy, activation=activation)
        rows += [once, once | {"run_id": f"{activation} again"}]
    ranking = rank(pd.DataFrame(rows))
    assert [group.summary.n for group in ranking.groups if group.summary] == [1, 1]
    assert "more than noise" not in ranking.verdict
    assert "p =" not in ranking.verdict
    assert "warning: 2 runs repeat others and count once (same fingerprint)" in notes(ranking)


def test_different_numbers_with_one_fingerprint_are_reported() -> None:
    rows = [run(0, 0.97, "same", activation="relu"), run(0, 0.96, "same", activation="relu") | {"run_id": "other"}]
    (warning, _) = rank(pd.DataFrame(rows)).warnings
    assert warning.startswith(
        "runs relu 0 same and other have the same fingerprint, but final/test_accuracy differs by 0.01"
    )


def test_without_any_spread_there_is_no_p_value() -> None:
    rows = [run(seed, mean, activation=name) for name, mean in (("relu", 0.97), ("tanh", 0.96)) for seed in range(3)]
    ranking = rank(pd.DataFrame(rows))
    assert (
        ranking.verdict
        == "relu leads tanh by 0.0100; nothing varies with the seed: there is no spread to test against"
    )


def test_a_group_without_spread_can_be_told_from_one_that_has_it() -> None:
    rows = [run(seed, 0.1135, activation="sigmoid") for seed in range(3)]
    rows += [run(seed, 0.97 + seed / 1000, activation="relu") for seed in range(3)]
    assert rank(pd.DataFrame(rows)).verdict.startswith("relu is better than sigmoid by 0.8575 ± ")


def test_exact_ties_share_a_rank_and_nobody_leads() -> None:
    accuracies = {"relu": (0.97, 0.96, 0.95), "tanh": (0.95, 0.97, 0.96), "sigmoid": (0.9, 0.91, 0.92)}
    rows = [
        run(seed, value, activation=name) for name, values in accuracies.items() for seed, value in enumerate(values)
    ]
    ranking = rank(pd.DataFrame(rows))
    assert [row[0] for row in table_cells(ranking)[1]] == ["best", "best ≈", "3"]
    assert ranking.verdict.startswith(
        "relu and tanh tie at 0.9600; 1 of the other 2 cannot be told from the best: tanh ("
    )
    assert "leads" not in ranking.verdict


def test_two_models_that_tie_are_not_said_to_lead() -> None:
    rows = [run(0, 0.97, activation="relu"), run(0, 0.97, activation="tanh")]
    assert rank(pd.DataFrame(rows)).verdict.startswith("relu and tanh tie at 0.9700; one seed: cannot tell")


@pytest.mark.parametrize("group_by", [["seed"], ["seed", "learning_rate"]])
def test_groups_of_seeds_claim_nothing_over_the_seeds(group_by: list[str]) -> None:
    ranking = rank(grid(5), group_by=group_by)
    assert all(group.summary and group.summary.n == 1 for group in ranking.groups)
    assert "over the seeds" not in " ".join(notes(ranking))
    assert "p =" not in ranking.verdict


def test_one_group_of_all_runs_has_one_observation_per_seed() -> None:
    (group,) = rank(grid(5), group_by=[]).groups
    assert group.summary is not None
    assert group.summary.n == 5


def test_a_doubled_key_shifts_no_column() -> None:
    ranking = rank(grid(2), group_by=["activation", "activation"])
    header, rows = table_cells(ranking)
    assert header[1:3] == ["activation", "test acc"]
    assert {len(row) for row in rows} == {len(header)}


def test_a_seed_that_lacks_a_combination_is_left_out_of_the_average() -> None:
    runs = grid(3)
    lost = (runs["params.seed"] == 2) & (runs["params.activation"] == "relu") & (runs["params.learning_rate"] == 1.0)
    ranking = rank(runs[~lost], group_by=["activation"])
    groups = {group.name: group for group in ranking.groups}
    assert list(groups["relu"].observations) == ["0", "1"]
    assert list(groups["tanh"].observations) == ["0", "1", "2"]
    assert ranking.warnings == ["relu: 1 seed is left out (2): without every combination of learning_rate"]


def test_groups_that_average_different_combinations_are_said_to_be_unlike() -> None:
    runs = grid(2)
    lost = (runs["params.activation"] == "sigmoid") & (runs["params.learning_rate"] == 0.001)
    (warning,) = rank(runs[~lost], group_by=["activation"]).warnings
    assert warning.startswith("the groups average different combinations of learning_rate (")
    assert "sigmoid 3" in warning


def test_where_no_seed_is_complete_all_runs_are_one_observation() -> None:
    rows = [
        run(seed, 0.9 + seed / 100, learning_rate=rate, activation="relu") for seed, rate in enumerate((0.1, 0.2, 0.3))
    ]
    ranking = rank(pd.DataFrame(rows), group_by=["activation"])
    (group,) = ranking.groups
    assert list(group.observations.values()) == [pytest.approx(0.91)]
    (warning,) = ranking.warnings
    assert warning == (
        "relu: no seed has finished every combination of learning_rate: all runs together are one observation"
    )


def contest(**means: float) -> pd.DataFrame:
    """Groups that differ in a key which changes the start: nothing can be paired."""
    rows = [
        run(seed, mean + shift, init=name)
        for name, mean in means.items()
        for seed, shift in enumerate((-1e-3, 0, 1e-3))
    ]
    return pd.DataFrame(rows)


def test_those_that_cannot_be_told_from_the_best_are_named() -> None:
    ranking = rank(contest(he=0.970, glorot=0.969, uniform=0.968, gaussian=0.5))
    assert ranking.verdict.startswith(
        "he leads glorot by 0.0010 ± 0.0033, but that may be noise; 2 of the other 3 cannot be told from the best: "
        "glorot and uniform (Games-Howell test of 4 groups, 5 % family-wise, 3 seeds each, p = 0.6"
    )
    assert [row[0] for row in table_cells(ranking)[1]] == ["best", "2 ≈", "3 ≈", "4"]
    assert ranking.pair is not None
    assert [group.name for group in ranking.pair] == ["he", "glorot"]


def test_the_best_of_three_can_be_told_from_all() -> None:
    verdict = rank(contest(he=0.97, glorot=0.95, uniform=0.90)).verdict
    assert "he is better than glorot by 0.0200 ± " in verdict
    assert "; all 2 others can be told from the best (" in verdict
    assert verdict.endswith("p = 0.0001)") or "p < 0.0001" in verdict or "p = " in verdict


def test_groups_with_one_seed_are_named_as_untested() -> None:
    runs = contest(he=0.97, glorot=0.95, uniform=0.90)
    runs = runs[(runs["params.init"] != "uniform") | (runs["params.seed"] == 0)]
    verdict = rank(runs).verdict
    assert "; not tested, for want of a second seed or of any spread: uniform (Welch's t-test, 3 seeds each" in verdict


def test_the_best_with_one_seed_is_said_to_have_one() -> None:
    runs = contest(he=0.97, glorot=0.95)
    verdict = rank(runs[(runs["params.init"] != "he") | (runs["params.seed"] == 0)]).verdict
    assert (
        verdict
        == "he leads glorot by 0.0190; he has one seed: cannot tell whether one recipe is better or that is noise"
    )


def test_a_name_keeps_its_case_and_a_test_set_ranking_says_what_to_do() -> None:
    text = terminal_table(rank(contest(he=0.97, glorot=0.95)))
    assert "\nhe is better than glorot" in text
    assert "Don't choose a model by this: set data.val_size\n" in text  # how many images there are is not known


def test_the_interval_of_the_winner_holds_after_the_choice() -> None:
    # Deviation 0.001, n = 3: alone t(0.975, 2) = 4.302653; as the best of two t(0.9875, 2) = 6.205347.
    text = "\n".join(notes(rank(contest(he=0.97, glorot=0.95))))
    assert f"picked as the best of 2, he has ± {6.205347e-3 / 3**0.5:.4f}" in text

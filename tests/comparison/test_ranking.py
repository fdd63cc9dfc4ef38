"""Groups of runs, best first: what varies, what ranks, and who is left out."""

import csv
import json
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from mlplab.comparison.documents import FORMATS
from mlplab.comparison.ranking import axes_of, metric_of, rank
from mlplab.comparison.tables import terminal_table


def run(activation: str, seed: int, accuracy: float | None, status: str = "FINISHED", **more: Any) -> dict[str, Any]:
    found = {
        "run_id": f"{activation}{seed}", "name": activation, "status": status, "params.activation": activation,
        "params.seed": str(seed), "params.tracking.run_name": f"{activation} {seed}", "params.epochs": "15",
    }  # fmt: skip
    if accuracy is not None:
        found["metrics.final/test_accuracy"] = accuracy
        found["metrics.final/test_loss"] = 1 - accuracy
    return {**found, **more}


SEEDS = pd.DataFrame(
    [
        *(run("relu", seed, accuracy) for seed, accuracy in enumerate([0.970, 0.972, 0.971])),
        *(run("tanh", seed, accuracy) for seed, accuracy in enumerate([0.955, 0.957, 0.956])),
        *(run("sigmoid", seed, accuracy) for seed, accuracy in enumerate([0.955, 0.951, 0.959])),
    ]
)


def test_what_varies_is_an_axis_and_the_seed_and_places_are_not() -> None:
    assert axes_of(SEEDS) == ["activation"]


def of_network(target: str, accuracy: float, **arguments: str) -> dict[str, Any]:
    found = run(target, 0, accuracy, **{f"params.network.{name}": value for name, value in arguments.items()})
    return {**found, "params.activation": "relu" if target == "mlp" else None, "params.network._target_": target}


def test_keys_of_one_network_are_axes_where_they_vary_within_it() -> None:
    networks = [of_network("mlp", 0.9), of_network("a.CNN", 0.95, channels="16", dropout="0.1")]
    own = of_network("mine.Net", 0.8, dropout="0.3")
    assert axes_of(pd.DataFrame([*networks, own])) == ["network._target_"]
    two = [*networks, of_network("a.CNN", 0.97, channels="32", dropout="0.1")]
    found = rank(pd.DataFrame(two))
    assert sorted(found.axes) == ["network._target_", "network.channels"]
    assert [set(group.name.split()) for group in found.groups] == [
        {"CNN", "network.channels=32"}, {"CNN", "network.channels=16"}, {"mlp"},
    ]  # fmt: skip
    table = terminal_table(found, 200)
    assert "│ network " in table.replace("┃", "│")
    assert "_target_" not in table
    assert "none" not in table


def test_groups_are_ranked_by_their_mean() -> None:
    found = rank(SEEDS)
    assert [group.values for group in found.groups] == [{"activation": a} for a in ("relu", "tanh", "sigmoid")]
    best = found.groups[0].summary
    assert best is not None
    assert (best.n, best.mean) == (3, pytest.approx(0.971))
    assert found.separation is not None
    assert found.separation.lead.p is not None
    assert found.separation.lead.p < 0.001
    assert found.separation.lead.mean == pytest.approx(0.015)
    assert found.verdict.startswith("relu is better than tanh by 0.0150 ± 0.0")
    assert "1 of the other 2" not in found.verdict


def test_a_lead_within_the_noise_is_called_so() -> None:
    found = rank(SEEDS[SEEDS["params.activation"] != "relu"])
    assert found.verdict.startswith(
        "tanh leads sigmoid by 0.0010 ± 0.0114, but that may be noise (t-test paired by seed"
    )


def test_one_seed_cannot_tell() -> None:
    found = rank(SEEDS[SEEDS["params.seed"] == "0"])
    assert found.separation is None
    assert "one seed: cannot tell" in found.verdict


def test_a_loss_ranks_the_other_way_round() -> None:
    assert rank(SEEDS, metric="final/test_loss").groups[0].values == {"activation": "relu"}


def test_validation_ranks_where_every_finished_run_has_it() -> None:
    rows = [run("relu", 0, 0.9, **{"metrics.final/val_accuracy": 0.7}), run("tanh", 0, 0.8)]
    assert metric_of(pd.DataFrame(rows)) == "final/test_accuracy"
    rows[1]["metrics.final/val_accuracy"] = 0.75
    found = rank(pd.DataFrame(rows))
    assert found.metric == "final/val_accuracy"
    assert found.groups[0].values == {"activation": "tanh"}


@pytest.mark.parametrize("status", ["FAILED", "KILLED", "RUNNING"])
def test_what_has_not_finished_is_told_apart_and_never_ranks(status: str) -> None:
    rows = [run("relu", 0, 0.99, status), run("tanh", 0, 0.8), run("tanh", 1, 0.7, status)]
    found = rank(pd.DataFrame(rows))
    assert [group.values["activation"] for group in found.groups] == ["tanh", "relu"]
    first, last = found.groups
    assert first.summary is not None
    assert (first.summary.n, first.summary.mean) == (1, 0.8)
    assert last.summary is None
    state = {"FAILED": "failed", "KILLED": "killed", "RUNNING": "running"}[status]
    assert (first.states, last.states) == ({"finished": 1, state: 1}, {state: 1})
    assert f"1 finished, 1 {state}" in FORMATS["table"](found)


def test_runs_with_different_params_are_groups_of_their_own() -> None:
    rows = [run("relu", 0, 0.9, **{"params.momentum": "0.9"}), run("relu", 1, 0.8)]
    found = rank(pd.DataFrame(rows))
    assert [group.values for group in found.groups] == [{"momentum": "0.9"}, {"momentum": "none"}]


def test_runs_that_differ_in_nothing_but_the_seed_are_one_group() -> None:
    (group,) = rank(SEEDS[:3]).groups
    assert group.values == {}
    assert group.summary is not None
    assert group.summary.n == 3


def test_no_finished_run_is_said() -> None:
    found = rank(pd.DataFrame([run("relu", 0, None, "FAILED")]))
    assert found.verdict == "no run has finished: nothing to rank"
    for form in FORMATS.values():
        assert "failed" in form(found)


def test_diagnostics_make_no_group_of_their_own() -> None:
    rows = [run("relu", 0, 0.9, **{"params.diagnostics": "True"}), run("relu", 1, 0.8)]
    assert axes_of(pd.DataFrame(rows)) == []


def test_an_order_for_the_table_changes_neither_the_best_nor_the_verdict() -> None:
    found = rank(SEEDS)
    shown = replace(found, shown=found.groups[::-1])
    rows = [line for line in FORMATS["markdown"](shown).splitlines() if line.startswith("| ")][2:]
    assert [row.split(" | ")[1] for row in rows] == ["sigmoid", "tanh", "relu"]
    assert rows[-1].startswith("| best")
    assert shown.verdict == found.verdict


def test_values_with_brackets_are_shown_as_they_are() -> None:
    rows = [run("[/b]", 0, 0.9), run("[red]", 1, 0.8)]
    text = FORMATS["table"](rank(pd.DataFrame(rows)))
    assert "[/b]" in text
    assert "[red]" in text


def test_numbers_are_numbers_and_a_record_says_where_it_comes_from() -> None:
    found = rank(SEEDS.assign(**{"tags.sweep": "mine"}))
    document = json.loads(FORMATS["json"](found))
    (best, second, _) = document["groups"]
    assert (best["rank"], best["n"], best["seeds"], best["sweep"]) == (1, 3, [0, 1, 2], "mine")
    assert best["run_ids"] == ["relu0", "relu1", "relu2"]
    assert second["cannot_be_told_from_best"] is False
    assert 0 < second["p_against_best"] < document["level"] == second["level"] == 0.05
    assert second["test"] == document["test"] == "Games-Howell test of 3 groups, 5 % family-wise"
    rows = list(csv.DictReader(FORMATS["csv"](found).splitlines()))
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert (rows[0]["run_ids"], rows[0]["seeds"]) == ("relu0 relu1 relu2", "0 1 2")
    assert rows[0]["warning"] == ""
    assert list(rows[0])[-5:] == ["test", "seeds", "run_ids", "sweep", "warning"]


def test_a_record_names_the_test_only_where_there_was_one() -> None:
    alone = run("linear", 0, 0.5)
    groups = json.loads(FORMATS["json"](rank(pd.concat([SEEDS, pd.DataFrame([alone])]))))["groups"]
    tested = {group["activation"]: group["test"] is not None for group in groups}
    assert tested == {"relu": True, "tanh": True, "sigmoid": True, "linear": False}
    assert [group["p_against_best"] is not None for group in groups] == [False, True, True, False]


def test_warnings_and_what_is_missing_stand_in_every_record() -> None:
    twice = pd.DataFrame([run("relu", 0, 0.9, **{"tags.fingerprint": "same"}) for _ in range(2)])
    found = replace(rank(twice), missing="1 of 2 runs have finished")
    (row,) = csv.DictReader(FORMATS["csv"](found).splitlines())
    assert row["warning"] == "1 of 2 runs have finished; 1 run repeats another and counts once (same fingerprint)"
    assert json.loads(FORMATS["json"](found))["groups"][0]["warning"] == row["warning"]


def test_other_metrics_are_averaged_over_the_same_observations() -> None:
    rows = [run("relu", 0, 0.9, **{"tags.fingerprint": "a"}), run("relu", 1, 0.8, **{"tags.fingerprint": "b"})]
    found = rank(pd.DataFrame([rows[0], *rows]), others=["final/test_loss"])
    assert found.groups[0].others == {"final/test_loss": pytest.approx(0.15)}


def test_values_of_axes_are_written_as_numbers() -> None:
    rows = [run("relu", seed, 0.9, **{"params.learning_rate": rate}) for seed, rate in enumerate((0.1, 1e-05))]
    document = json.loads(FORMATS["json"](rank(pd.DataFrame(rows))))
    assert {group["learning_rate"] for group in document["groups"]} == {0.1, 1e-05}


def test_in_a_narrow_terminal_columns_are_dropped_and_never_digits() -> None:
    others = [f"final/{split}_{kind}" for split in ("test", "train") for kind in ("accuracy", "loss")]
    runs = SEEDS.assign(**{f"metrics.{name}": 0.123456 for name in others[2:]})
    found = rank(runs, others=[*others, "time/total_seconds"])
    wide, narrow = terminal_table(found, 160), terminal_table(found, 80)
    table = [line for line in narrow.splitlines() if line.startswith("│")]
    assert "0.9710 ± 0.0025" in table[0]
    assert all(len(line) <= 80 for line in table)
    assert all(cell in wide for line in table for cell in line.split(" │ "))
    assert "too narrow for " in narrow
    assert "too narrow" not in wide
    assert narrow.splitlines()[-1] == wide.splitlines()[-1]
    assert "too narrow for sd, n, test loss, train acc, train loss, seconds:" in terminal_table(found, 10)
    assert any("0.9710 ± 0.0025 │" in line for line in terminal_table(found, 10).splitlines())


def test_three_axes_fit_into_eighty_columns() -> None:
    rows = [
        run(activation, seed, 0.9 + seed / 100, **{"params.hidden_sizes": sizes, "params.learning_rate": rate})
        for seed in range(2)
        for activation in ("sigmoid", "tanh")
        for sizes in ("[64]", "[64, 32]")
        for rate in (0.1, 0.01)
    ]
    found = rank(pd.DataFrame(rows), others=["final/test_loss"])
    table = [line for line in terminal_table(found, 80).splitlines() if line.startswith("│")]
    assert len(table) == 8
    assert all(len(line) <= 80 and "0.9050 ± 0.0635" in line for line in table)

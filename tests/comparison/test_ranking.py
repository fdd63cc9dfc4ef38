"""Groups of runs, best first: what varies, what ranks, and who is left out."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from mlplab.comparison.ranking import axes_of, metric_of, rank
from mlplab.comparison.tables import FORMATS


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
        *(run("sigmoid", seed, accuracy) for seed, accuracy in enumerate([0.956, 0.952, 0.960])),
    ]
)


def test_what_varies_is_an_axis_and_the_seed_and_places_are_not() -> None:
    assert axes_of(SEEDS) == ["activation"]


def test_groups_are_ranked_by_their_mean() -> None:
    found = rank(SEEDS)
    assert [group.values for group in found.groups] == [{"activation": a} for a in ("relu", "tanh", "sigmoid")]
    best = found.groups[0].summary
    assert best is not None
    assert (best.n, best.mean) == (3, pytest.approx(0.971))
    assert found.lead is not None
    assert found.lead.p is not None
    assert found.lead.p < 0.001
    assert found.lead.mean == pytest.approx(0.015)
    assert found.verdict.startswith("relu is better than tanh by 0.0150 ± 0.0023, and that is more than noise")


def test_a_lead_within_the_noise_is_called_so() -> None:
    found = rank(SEEDS[SEEDS["params.activation"] != "relu"])
    assert found.verdict.startswith("tanh leads sigmoid by 0.0000 ± 0.0092, but that may be noise")


def test_one_seed_cannot_tell() -> None:
    found = rank(SEEDS[SEEDS["params.seed"] == "0"])
    assert found.lead is not None
    assert found.lead.p is None
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
    assert [group.values for group in found.groups] == [{"momentum": "0.9"}, {"momentum": "nan"}]


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

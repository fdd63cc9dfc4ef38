"""The assignment's questions are answered by what was measured."""

import pandas as pd

from mlplab.reproduction.answers import activation_curves, answer_questions
from mlplab.reproduction.plan import Plan
from mlplab.reproduction.published import Cell

CELLS = [Cell("assignment/baseline", {}, {}), Cell("assignment/tanh", {}, {}), Cell("assignment/relu", {}, {})]
FINALS = {
    (cell.preset, ""): [{"final/test_accuracy": mean + shift} for shift in (-0.001, 0.0, 0.001)]
    for cell, mean in zip(CELLS, (0.82, 0.96, 0.97), strict=True)
}
POINTS = pd.DataFrame(
    [
        row
        for cell, reach in enumerate((0.05, 1.0, 2.0))
        for row in (
            (cell, "within/layer_1_gradient_norm", 200, reach),
            (cell, "within/layer_2_gradient_norm", 200, 1.0),
            (cell, "test/loss", 200, 0.5),
            (cell, "test/loss", 200, 0.7),
        )
    ],
    columns=["cell", "key", "step", "value"],
)
PLAN = Plan(CELLS, [], [])


def test_the_best_activation_and_why() -> None:
    ((question, sentences),) = answer_questions(FINALS, POINTS, PLAN)
    assert question == "Which activation is best, and why?"
    assert sentences[0].startswith("Test accuracy: relu 0.9700 ± 0.0025, tanh 0.9600 ± 0.0025, ")
    assert sentences[1].startswith("The best, relu, against the next, tanh: +0.0100 ± 0.0023, more than noise")
    assert "0.05 with sigmoid, 1 with tanh, 2 with relu" in sentences[2]


def test_l2_is_compared_with_none() -> None:
    finals = {
        ("erande_2025/weight_decay", "weight_decay=0.0"): [{"final/test_accuracy": a} for a in (0.970, 0.972)],
        ("erande_2025/weight_decay", "weight_decay=0.0001"): [{"final/test_accuracy": a} for a in (0.971, 0.973)],
    }
    ((question, sentences),) = answer_questions(finals, POINTS.head(0), PLAN)
    assert question == "What does L2 do?"
    assert sentences[0].startswith("Published by erande_2025: an L2 of 1e-4 costs 1.2 points of test accuracy. Here: ")
    assert "+0.0010 ±" in sentences[0]
    assert "which may be noise" in sentences[0]
    assert sentences[0].endswith("That it costs accuracy is not shown here.")


def seeds(mean: float, step: float) -> list[dict[str, float]]:
    return [{"final/test_accuracy": mean + shift * step} for shift in (-1, 0, 1)]


def test_a_claim_holds_only_where_it_does_among_all_tests_of_the_report() -> None:
    """Alone p = 0.03, as in the report of the figures that are committed; with two more tests 0.08."""
    claim = {
        ("erande_2025/weight_decay", "weight_decay=0.0"): seeds(0.970, 0.003),
        ("erande_2025/weight_decay", "weight_decay=0.0001"): seeds(0.962, 0.003),
    }
    ((_, (sentence,)),) = answer_questions(claim, POINTS.head(0), PLAN)
    assert sentence.endswith("That it costs accuracy holds here.")
    more = {
        ("assignment/adam", ""): seeds(0.98, 0.003),
        ("assignment/l2", "weight_decay=1e-5"): seeds(0.98, 0.003),
        ("assignment/l2", "weight_decay=1e-4"): seeds(0.98, 0.003),
    }
    ((_, sentences),) = answer_questions(claim | more, POINTS.head(0), PLAN)
    assert "p = 0.031 alone, 0.09 as one of 3 tests" in sentences[-1]
    assert sentences[-1].endswith("That it costs accuracy is not shown here.")


def test_without_runs_nothing_is_claimed() -> None:
    assert answer_questions({}, POINTS.head(0), PLAN) == []


def test_curves_are_means_over_the_seeds() -> None:
    assert activation_curves(POINTS, PLAN)["relu"] == [(200, 0.6)]

"""The rules by which a published figure counts as reproduced."""

import pytest

from mlplab.reproduction.published import Cell
from mlplab.reproduction.verdicts import DIFFERS, MISSING, REPRODUCED, judge, judge_cell


@pytest.mark.parametrize(
    ("name", "published", "ours", "verdict"),
    [
        ("test_accuracy", 0.945, [0.93], REPRODUCED),  # exactly 1.5 points
        ("test_accuracy", 0.9451, [0.93], DIFFERS),
        ("test_accuracy", 0.95, [0.90, 0.94], REPRODUCED),  # the range of the seeds, widened
        ("val_accuracy", 0.5, [0.7, 0.3], REPRODUCED),
        ("train_loss", 0.10, [0.11], REPRODUCED),  # exactly 10 %
        ("train_loss", 0.10, [0.1101], DIFFERS),
        ("train_loss", 0.10, [0.05, 0.089], DIFFERS),
        ("train_loss", 0.10, [], MISSING),
    ],
)
def test_the_verdict_on_a_figure(name: str, published: float, ours: list[float], verdict: str) -> None:
    assert judge(name, published, ours).verdict == verdict


def test_the_difference_is_ours_minus_the_published() -> None:
    assert judge("test_accuracy", 0.9, [0.91, 0.93]).difference == pytest.approx(0.02)
    assert judge("test_accuracy", 0.9, []).difference is None


def test_a_figure_can_be_compared_with_another_metric() -> None:
    cell = Cell("report/table", {}, {"train_loss": 0.3}, "as printed", {"train_loss": "train/loss"})
    assert judge_cell(cell, [{"final/train_loss": 0.2, "train/loss": 0.3}]).verdict == REPRODUCED


def test_a_cell_is_reproduced_if_all_its_figures_are() -> None:
    cell = Cell("report/table", {}, {"test_accuracy": 0.9, "train_loss": 0.3})
    same, other = ({"final/test_accuracy": 0.9, "final/train_loss": loss} for loss in (0.3, 0.4))
    assert judge_cell(cell, [same]).verdict == REPRODUCED
    assert judge_cell(cell, [other]).verdict == DIFFERS
    assert judge_cell(cell, [same, other]).verdict == REPRODUCED
    assert judge_cell(cell, []).verdict == MISSING

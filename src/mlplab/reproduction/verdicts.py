"""Published beside ours: reproduced, or it differs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlplab.comparison.statistics import Summary
from mlplab.reproduction.published import Cell

ACCURACY_MARGIN = 0.015  # absolute
LOSS_MARGIN = 0.10  # of the published loss
REPRODUCED, DIFFERS, MISSING = "reproduced", "differs", "not run"


@dataclass(frozen=True)
class Figure:
    """One published figure and ours.

    Attributes:
        name: of the metric: test_accuracy, train_loss, ...
        summary: of ours over the seeds; None where no run has finished.
        verdict: reproduced where the published figure lies within the range of our seeds, widened by 1.5 points of
            accuracy or 10 % of the published loss.
    """

    name: str
    published: float
    summary: Summary | None
    verdict: str

    @property
    def difference(self) -> float | None:
        """Ours less the published."""
        return None if self.summary is None else self.summary.mean - self.published


def judge(name: str, published: float, ours: Sequence[float]) -> Figure:
    """Return the verdict on one figure; ``ours``: one value per seed that has finished."""
    if not ours:
        return Figure(name, published, None, MISSING)
    margin = ACCURACY_MARGIN if name.endswith("accuracy") else LOSS_MARGIN * published
    # Rounded as the figures are: 0.93 and 0.945 differ by 0.015, though not in binary.
    is_within = round(min(ours) - margin, 9) <= published <= round(max(ours) + margin, 9)
    return Figure(name, published, Summary.of(ours), REPRODUCED if is_within else DIFFERS)


@dataclass(frozen=True)
class Judged:
    """A cell, and the verdict on each of its figures."""

    cell: Cell
    figures: list[Figure]

    @property
    def verdict(self) -> str:
        """Reproduced where all of its figures are."""
        found = {figure.verdict for figure in self.figures}
        return next((verdict for verdict in (MISSING, DIFFERS) if verdict in found), REPRODUCED)


def judge_cell(cell: Cell, finals: Sequence[Mapping[str, float]]) -> Judged:
    """Return the verdicts on a cell; ``finals``: the final metrics of its runs that have finished, by seed."""
    figures = [
        judge(name, published, _values(finals, cell.read.get(name, f"final/{name}")))
        for name, published in cell.figures.items()
    ]
    return Judged(cell, figures)


def _values(finals: Sequence[Mapping[str, float]], metric: str) -> list[float]:
    return [final[metric] for final in finals if metric in final]

"""How often a verdict is wrong: simulated, and written into docs/comparing.md.

python -m benchmarks.verdict         about five minutes on one core
python -m benchmarks.verdict 200     repetitions of each setting, instead of 1000

Groups are drawn whose true means are known, seed by seed, and given to the code that ranks runs. A false alarm is a
verdict that some group is worse than the best although all true means are equal. Coverage is the share of intervals
that hold the true value. What the verdict was before (Welch's test of the best two, as if they had been chosen
beforehand) is computed beside it.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.interpolate import RegularGridInterpolator

from mlplab.comparison.separation import Separation, separate
from mlplab.comparison.statistics import SIGNIFICANCE, Difference, Summary
from mlplab.comparison.trained_models import ModelComparison

PAGE = Path(__file__).resolve().parents[1] / "docs" / "comparing.md"
MARKS = "<!-- simulated: begin -->", "<!-- simulated: end -->"
GROUPS, SEEDS = (2, 10, 45), (1, 3, 5, 10)
REPETITIONS = 1000
# Deviation of the logarithm of the groups' standard deviations, and correlation between groups over the seeds.
KINDS = {"independent": (0.0, 0.0), "independent, unequal spread": (1.0, 0.0), "same start": (0.0, 0.5)}


@dataclass(frozen=True)
class Setting:
    """What is drawn.

    Attributes:
        correlation: between the groups, seed by seed; 0 for independent groups.
        spread: standard deviation of the logarithm of the groups' standard deviations.
    """

    groups: int
    seeds: int
    spread: float
    correlation: float

    def draw(self, rng: np.random.Generator, means: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return one accuracy per group and seed, shape (groups, seeds); 1 is a typical standard deviation."""
        common = rng.normal(size=self.seeds) * np.sqrt(self.correlation)
        own = rng.normal(size=(self.groups, self.seeds)) * np.sqrt(1 - self.correlation)
        deviations = np.exp(rng.normal(0, self.spread, (self.groups, 1)))
        return means[:, None] + deviations * (common + own)


@dataclass
class Counts:
    """Of many repetitions."""

    repetitions: int = 0
    false_alarms: int = 0
    former_false_alarms: int = 0
    tested: int = 0
    lead_covered: int = 0
    former_lead_covered: int = 0
    best_covered: int = 0
    former_best_covered: int = 0
    level: int = 0

    def share(self, name: str, of: str = "repetitions") -> str:
        total = getattr(self, of)
        return f"{100 * getattr(self, name) / total:.1f} %" if total else "no test"


def repeat(setting: Setting, repetitions: int, gap: float) -> Counts:
    """Rank groups again and again; ``gap``: between the true means of two neighbours, 0 for equal ones."""
    rng = np.random.default_rng([setting.groups, setting.seeds, int(10 * setting.spread), int(10 * gap)])
    counts, means = Counts(), -gap * np.arange(setting.groups)
    for _ in range(repetitions):
        drawn = setting.draw(rng, means)
        order = np.argsort(-drawn.mean(axis=1))
        _count(counts, drawn[order], means[order], setting.correlation > 0)
    return counts


def _count(counts: Counts, drawn: NDArray[np.float64], means: NDArray[np.float64], can_pair: bool) -> None:
    samples = [{str(seed): float(value) for seed, value in enumerate(values)} for values in drawn]
    separation = separate(samples, can_pair)
    former = Difference.of(list(drawn[0]), list(drawn[1]))
    counts.repetitions += 1
    counts.former_false_alarms += former.p is not None and former.p < SIGNIFICANCE
    if separation is None:
        return
    counts.tested += 1
    others = range(1, len(samples))
    counts.false_alarms += any(separation.is_apart(other) and means[0] <= means[other] for other in others)
    counts.level += sum(separation.is_level(other) for other in others)
    true_lead = float(means[0] - means[1])
    counts.lead_covered += _holds(separation.lead, true_lead)
    counts.former_lead_covered += _holds(former, true_lead)
    best = Summary.of(list(drawn[0]))
    counts.best_covered += abs(best.mean - means[0]) <= best.half_width_of_best(len(samples))
    counts.former_best_covered += abs(best.mean - means[0]) <= best.half_width


def _holds(difference: Difference, truth: float) -> bool:
    return abs(difference.mean - truth) <= difference.half_width


def settings() -> Iterator[tuple[str, Setting]]:
    """Return every setting and what it is called."""
    for name, (spread, correlation) in KINDS.items():
        for groups, seeds in product(GROUPS, SEEDS):
            yield name, Setting(groups, seeds, spread, correlation)


def false_alarm_table(repetitions: int) -> list[str]:
    """Return rows of Markdown: all true means are equal."""
    lines = [
        "| groups are | groups | seeds | test | false alarms | of the former verdict | lead's interval holds 0 "
        "| winner's interval holds its mean | before: ± of one group |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, setting in settings():
        counts = repeat(setting, repetitions, gap=0.0)
        cells = [
            name, str(setting.groups), str(setting.seeds), test_of(setting), counts.share("false_alarms", "tested"),
            counts.share("former_false_alarms", "tested"), counts.share("lead_covered", "tested"),
            counts.share("best_covered", "tested"), counts.share("former_best_covered", "tested"),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return lines


def test_of(setting: Setting) -> str:
    """Return the name of the test that is used there."""
    rng = np.random.default_rng(0)
    drawn = setting.draw(rng, -np.arange(setting.groups, dtype=float))
    samples = [{str(seed): float(value) for seed, value in enumerate(values)} for values in drawn]
    separation: Separation | None = separate(samples, setting.correlation > 0)
    return separation.test.partition(",")[0].partition(" test of")[0] if separation else "none"


def power_table(repetitions: int) -> list[str]:
    """Return rows of Markdown: neighbours in the ranking truly differ by one standard deviation."""
    lines = [
        "| groups are | groups | seeds | wrong order | lead's interval holds it | not told from the best, mean |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, setting in settings():
        if setting.spread or setting.seeds == 1:
            continue
        counts = repeat(setting, repetitions, gap=1.0)
        cells = [name, str(setting.groups), str(setting.seeds), counts.share("false_alarms")]
        cells += [counts.share("lead_covered", "tested"), f"{counts.level / counts.tested:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return lines


def mcnemar_table(repetitions: int) -> list[str]:
    """Return rows of Markdown: trained models that are equally good, the best two of them compared."""
    lines = ["| models | images | false alarms |", "| --- | --- | --- |"]
    for models in GROUPS:
        for images in (360, 10_000):
            rng = np.random.default_rng([models, images])
            alarms = sum(_mcnemar_alarm(rng, models, images) for _ in range(repetitions))
            lines.append(f"| {models} | {images:,} | {100 * alarms / repetitions:.1f} % |")
            print(lines[-1], flush=True)
    return lines


def _mcnemar_alarm(rng: np.random.Generator, models: int, images: int) -> bool:
    """Draw models that are right on the same 90 % of the images, and each by chance on half of the others."""
    hard = images // 10
    right = np.ones((models, images), dtype=np.int64)
    right[:, :hard] = rng.integers(0, 2, (models, hard))
    order = np.argsort(-right.sum(axis=1), kind="stable")[:2]
    first, second = (np.column_stack([np.ones(images, dtype=np.int64), right[place]]) for place in order)
    found = ModelComparison.of(("first", "second"), first, second)
    return found is not None and found.p < SIGNIFICANCE


@contextmanager
def tabulated(groups: int) -> Iterator[None]:
    """Read the studentized range of so many groups from a table: SciPy integrates it anew, 10 ms a value."""
    ranges = np.concatenate([np.linspace(0, 16, 65), np.geomspace(17, 300, 12)])
    freedoms = np.concatenate([np.linspace(2, 6, 9), np.linspace(7, 18, 8)])
    tails = np.array([stats.studentized_range.sf(ranges, groups, freedom) for freedom in freedoms])
    table = RegularGridInterpolator((freedoms, ranges), np.log(np.clip(tails, 1e-12, 1)))
    highest = np.array([stats.studentized_range.ppf(0.95, groups, freedom) for freedom in freedoms])

    def tail(distance: float, count: int, freedom: float) -> float:
        assert count == groups
        return float(np.exp(table((freedom, min(distance, ranges[-1])))))

    def critical(level: float, count: int, freedom: float) -> float:
        assert (level, count) == (0.95, groups)
        return float(np.interp(-1 / freedom, -1 / freedoms, highest))

    with patch.object(stats.studentized_range, "sf", tail), patch.object(stats.studentized_range, "ppf", critical):
        yield


def main(arguments: Sequence[str]) -> None:
    """Simulate, and write the tables into the page."""
    repetitions = int(arguments[0]) if arguments else REPETITIONS
    with tabulated(groups=10):
        parts = [
            f"Every row: {repetitions:,} repetitions with fixed seeds (in the second table half as many), by "
            "`python -m benchmarks.verdict`.",
            "### All true means are equal", *false_alarm_table(repetitions),
            "### Neighbours differ by one standard deviation", *power_table(repetitions // 2),
            "### Equally good trained models, one seed: McNemar", *mcnemar_table(repetitions),
        ]  # fmt: skip
    text = "\n".join(f"\n{part}\n" if not part.startswith("|") else part for part in parts)
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.partition(MARKS[0])[0], page.partition(MARKS[1])[2]
    PAGE.write_text(f"{before}{MARKS[0]}\n{text.strip()}\n\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

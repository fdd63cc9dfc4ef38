"""The sections about the keys that vary: which of them mattered, every run by each of them, and the best so far."""

from mlplab.comparison.ranking import Ranking
from mlplab.page import axis_charts
from mlplab.page.charts import Section
from mlplab.page.drawn import Drawn
from mlplab.page.effects import effects_chart, effects_of, grid_size, importance_chart, main_effects
from mlplab.page.parallel_chart import parallel_coordinates
from mlplab.page.trials import best_so_far, slices

LEAST_RUNS = 8  # that are shown one by one
SPARSEST = 4  # combinations for each that has finished, in what is called a grid
_IMPORTANCE = (
    "How much of the variance between runs each key explains, alone and together with others (permutation importance "
    "in a random forest); the line reaches over 90 % of the resamples."
)

_EFFECTS = (
    "What share of the variance between the groups' means each key and each pair makes: exact, since every "
    "combination has run; groups that collapsed are counted like all others."
)
_MEANS = "A line beside a mean reaches from the least to the largest of its groups."


def what_mattered(drawn: Drawn) -> Section | None:
    """Show the importance of the keys; of a full grid their effects too; None where no key varies."""
    ranking, ranked = drawn.ranking, drawn.ranked
    if not ranking.ranked or not ranking.axes:
        return None
    effects = effects_of(ranking)
    charts = []
    text = ""
    if effects is not None:
        untold = ranking.importance.why_none if ranking.importance is not None else ""
        charts = [*([] if untold else [effects_chart(effects)]), main_effects(ranked, ranking.axes)]
        text = f"{f'How much each key explains is not told: {untold}.' if untold else _EFFECTS} {_MEANS}"
        if len(ranking.axes) > 2:
            charts.append(axis_charts.heat_map(ranked, *effects.strongest_pair))
    elif len(ranking.axes) > 1 and is_grid(ranking):
        ran, size = len(ranking.ranked), grid_size(ranking)
        text = f"{ran} of {size} combinations have finished, so main effects and interactions cannot be told apart."
    if ranking.importance is not None and ranking.importance.shares:
        charts.insert(0, importance_chart(ranking.importance))
        text = f"{_IMPORTANCE} {text}".strip()
    charts += axis_charts.sensitivity(ranked)
    if len(ranking.axes) > 2:
        charts.append(parallel_coordinates(ranked))
    return Section("What mattered", text, charts)


def is_grid(ranking: Ranking) -> bool:
    """Tell whether enough combinations have run for a map: of a search, nearly every run has values of its own."""
    return grid_size(ranking) <= SPARSEST * len(ranking.ranked)


def one_by_one(drawn: Drawn) -> list[Section]:
    """Show every run against each key, and the best so far, where there are so many runs that it tells something."""
    rows, ranked = drawn.measured, drawn.ranked
    if len(rows) < LEAST_RUNS or not ranked.values or not drawn.ranking.axes:
        return []
    dots = "A dot is a run" + (", a cross one that was pruned, at its last value." if rows["pruned"].any() else ".")
    each = f"{dots} Where those at one value of a key lie far apart, other keys or the seed matter."
    best = (
        f"{dots} The line is the best so far, of runs that have finished. They stand in the order in which they "
        "began; the seconds are those of training, of all runs before added up."
    )
    return [
        Section("Every run by each key", each, slices(ranked, rows)),
        Section("The best so far", best, best_so_far(ranked, rows)),
    ]

"""The verdict in sentences: what is missing, who leads by how much, and who cannot be told from the best."""

from collections.abc import Sequence
from itertools import takewhile

from mlplab.comparison.grouping import Group
from mlplab.comparison.separation import Separation
from mlplab.comparison.statistics import Difference
from mlplab.comparison.trained_models import ModelComparison

MOST_NAMES = 4


def conclude(ranked: Sequence[Group], separation: Separation | None, models: ModelComparison | None) -> str:
    """Return the conclusion; "" where there is nothing to compare.

    Args:
        ranked: groups with a finished run, best first.
        separation: of the best from each of the others; None where that cannot be tested.
        models: the two best, where each is one trained model.
    """
    if len(ranked) < 2:
        return "" if ranked else "no run has finished: nothing to rank"
    tied = [group.name for group in takewhile(lambda group: group.mean == ranked[0].mean, ranked)]
    if len(tied) > 1:
        opening = f"{listed(tied)} tie at {ranked[0].mean:.4f}"
        return opening + _after_tie(ranked, separation, models)
    if separation is None:
        gap = f"{ranked[0].name} leads {ranked[1].name} by {abs(ranked[0].mean - ranked[1].mean):.4f}"
        return f"{gap}; {_why_untested(ranked)}{_models(models)}"
    return _tested(ranked, separation)


def _after_tie(ranked: Sequence[Group], separation: Separation | None, models: ModelComparison | None) -> str:
    if separation is None:
        return f"; {_why_untested(ranked)}{_models(models)}"
    told = _remaining(ranked, separation)
    return f"{told} ({separation.test}, {_seeds(ranked)})" if told else ""


def _tested(ranked: Sequence[Group], separation: Separation) -> str:
    first, second = ranked[0].name, ranked[1].name
    gap = f"{abs(separation.lead.mean):.4f}"
    if separation.lead.p is None:
        opening = f"{first} leads {second} by {gap}; {_why_untested(ranked[:2])}"
        how = f" ({separation.test}, {_seeds(ranked)})" if any(p is not None for p in separation.p) else ""
        return f"{opening}{_remaining(ranked, separation)}{how}"
    gap += f" ± {separation.lead.half_width:.4f}"
    how = f"({separation.test}, {_seeds(ranked)}, {probability(separation.lead)})"
    if separation.is_apart(1):
        opening = f"{first} is better than {second} by {gap}, and that is more than noise"
    else:
        opening = f"{first} leads {second} by {gap}, but that may be noise"
    return f"{opening}{_remaining(ranked, separation)} {how}"


def _remaining(ranked: Sequence[Group], separation: Separation) -> str:
    """Say of three groups and more which cannot be told from the best, and which could not be tested."""
    if len(ranked) == 2:
        return ""
    level = [group.name for i, group in enumerate(ranked) if i and separation.is_level(i)]
    untested = [group.name for i, group in enumerate(ranked) if i and separation.p[i - 1] is None]
    others = len(ranked) - 1
    text = ""
    if level:
        text = f"; {len(level)} of the other {others} cannot be told from the best: {listed(level)}"
    elif not untested:
        text = f"; all {others} others can be told from the best"
    return text + (f"; not tested, for want of a second seed or of any spread: {listed(untested)}" if untested else "")


def _why_untested(ranked: Sequence[Group]) -> str:
    if all(len(group.observations) == 1 for group in ranked):
        return "one seed: cannot tell whether one recipe is better or that is noise"
    if min(len(ranked[0].observations), len(ranked[1].observations)) == 1:
        lone = next(group.name for group in ranked[:2] if len(group.observations) == 1)
        return f"{lone} has one seed: cannot tell whether one recipe is better or that is noise"
    return "nothing varies with the seed: there is no spread to test against"


def _models(models: ModelComparison | None) -> str:
    return f"; {models.sentence}" if models else ""


def _seeds(ranked: Sequence[Group]) -> str:
    counts = sorted({len(group.observations) for group in ranked if len(group.observations) > 1})
    return f"{counts[0]} seeds each" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"


def probability(difference: Difference) -> str:
    """Return the p-value as text: never 0."""
    assert difference.p is not None
    return "p < 0.0001" if difference.p < 0.0001 else f"p = {difference.p:.2g}"


def listed(names: Sequence[str]) -> str:
    """Return names in a row, and how many more there are.

    >>> listed(["relu", "tanh"]), listed(["a", "b", "c", "d", "e", "f"])
    ('relu and tanh', 'a, b, c, d and 2 more')
    """
    shown = list(names[:MOST_NAMES])
    if len(names) > MOST_NAMES:
        return f"{', '.join(shown)} and {len(names) - MOST_NAMES} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)

"""A ranking as text for a reader: a table for the terminal or in Markdown, and what is to be said of it."""

from math import isnan

from mlplab.comparison.importance import METHOD
from mlplab.comparison.ordering import describe_tie, loss_beside
from mlplab.comparison.ranking import TEST, VALIDATION, Group, Ranking
from mlplab.comparison.trained_models import sampling_interval
from mlplab.names import shown_key, shown_value
from mlplab.schema import TIME, TOTAL_SECONDS, State, final_accuracy, final_loss
from mlplab.terminal import count_of, draw_table, table_width, width_of_output

SHORT = {
    final_accuracy("test"): "test acc",
    final_accuracy("val"): "val acc",
    final_accuracy("train"): "train acc",
    final_loss("test"): "test loss",
    final_loss("val"): "val loss",
    final_loss("train"): "train loss",
    TOTAL_SECONDS: "seconds",
}
# Metrics that a table shows beside the one that ranks.
OTHER_METRICS = (
    final_accuracy("test"), final_accuracy("train"), final_loss("test"), final_loss("train"), TOTAL_SECONDS,
)  # fmt: skip
MOST_KEYS = 6  # whose importance is told in a line
LEVEL_MARK = "≈"  # beside the rank of a group that cannot be told from the best


def terminal_table(ranking: Ranking, width: int | None = None) -> str:
    """Return what is missing, a table with lines, and what is to be said of it.

    Where the table is wider than ``width`` (by default that of the terminal), columns are left out: metrics that do
    not rank, the last first, and then the standard deviation and the number of seeds. No number is ever cut.
    """
    width = width_of_output() if width is None else width
    header, rows = table_cells(ranking)
    kept = list(range(len(header)))
    for column in _least_needed(ranking):
        if table_width(*_only(kept, header, rows)) <= width:
            break
        kept.remove(column)
    cells = _only(kept, header, rows)
    lines = [ranking.missing] if ranking.missing else []
    lines.append(draw_table(*cells, width=max(width, table_width(*cells))))
    if len(kept) < len(header):
        names = ", ".join(name for column, name in enumerate(header) if column not in kept)
        lines.append(f"too narrow for {names}: format=csv has them")
    return "\n".join([*lines, *notes(ranking)])


def _least_needed(ranking: Ranking) -> list[int]:
    """Return the columns that a reader can do without, the first first."""
    spread = 2 + len(ranking.axes)  # behind the mark, the axes and the metric that ranks
    others = spread + 2 * _has_spread(ranking)
    end = others + len(ranking.groups[0].others)
    return [*reversed(range(others, end)), *range(spread, others)]


def _only(kept: list[int], header: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    return [header[column] for column in kept], [[row[column] for column in kept] for row in rows]


def _has_spread(ranking: Ranking) -> bool:
    return any(group.summary and group.summary.n > 1 for group in ranking.groups)


def markdown_table(ranking: Ranking) -> str:
    """Return what is missing, a Markdown table, and the notes."""
    header, rows = table_cells(ranking)
    lines = [" | ".join(cells) for cells in [header, ["---"] * len(header), *rows]]
    first = [ranking.missing, ""] if ranking.missing else []
    return "\n".join([*first, *(f"| {line} |" for line in lines), "", *notes(ranking)])


def notes(ranking: Ranking) -> list[str]:
    """Return what a reader must know; the last is the conclusion, where there is one."""
    lines = [f"ranked by {ranking.metric}: {_why(ranking)}"] if ranking.ranked else []
    said = (_tie, _spread, _averages, _marks, _test_set)
    lines += [line for say in said if (line := say(ranking))]
    lines += importance_lines(ranking)
    lines += [f"warning: {warning}" for warning in ranking.warnings]
    return [*lines, ranking.conclusion] if ranking.conclusion else lines


def _why(ranking: Ranking) -> str:
    if ranking.metric == VALIDATION:
        return "there is a validation split, so the test set chooses nothing"
    if ranking.metric == TEST:
        size = "" if ranking.images is None else f"={ranking.images}"
        return f"there is no validation split. Don't choose a model by this: set data.val_size{size}"
    return "as you asked"


def importance_lines(ranking: Ranking) -> list[str]:
    """Return which keys mattered how much, and by which method that is told, or why it is not; none is no question."""
    told = ranking.importance
    if told is None:
        return []
    name = SHORT.get(told.metric, told.metric)
    if told.why_none:
        return [f"what mattered for {name} is not told by {METHOD}: {told.why_none}"]
    shares = [
        f"{key} {100 * one.mean:.0f} % ({100 * one.low:.0f} to {100 * one.high:.0f})"
        for key, one in told.shares.items()
    ]
    more = f", and {len(shares) - MOST_KEYS} others less" if len(shares) > MOST_KEYS else ""
    return [
        f"what mattered for {name}, as shares of its variance: {', '.join(shares[:MOST_KEYS])}{more}",
        f"by {METHOD} of {told.runs} runs, which foretells {100 * told.foretold:.0f} % of the variance of runs that "
        "it has not seen; what keys do together counts in each of them; in brackets: where 90 % of the resamples lie",
    ]


def _tie(ranking: Ranking) -> str:
    metric, loss = ranking.metric, loss_beside(ranking.metric)
    return describe_tie(ranking.ranked, SHORT.get(metric, metric), "" if loss is None else SHORT.get(loss, loss))


def _spread(ranking: Ranking) -> str:
    if not _has_spread(ranking):
        return ""
    text = "mean ± half the 95 % confidence interval (Student's t over the seeds); sd: standard deviation"
    ranked = ranking.ranked
    best = ranked[0].summary
    if len(ranked) > 1 and best is not None and best.n > 1:
        half_width = best.half_width_of_best(len(ranked))
        text += f"; picked as the best of {len(ranked)}, {ranked[0].name} has ± {half_width:.4f}"
    return text


def _averages(ranking: Ranking) -> str:
    most = max((len(group.averaged) for group in ranking.ranked), default=0)
    if not ranking.pooled or most < 2:
        return ""
    over = ", ".join(ranking.pooled)
    return f"one seed is one observation: the average of its runs, up to {most}, which differ in {over}"


def _marks(ranking: Ranking) -> str:
    return f"{LEVEL_MARK}: cannot be told from the best" if any(map(ranking.is_level, ranking.ranked)) else ""


def _test_set(ranking: Ranking) -> str:
    if ranking.images is None or not ranking.ranked:
        return ""
    mean = ranking.ranked[0].mean
    low, high = sampling_interval(mean, ranking.images)
    split = "validation" if ranking.metric == VALIDATION else "test"
    return (
        f"the {split} set by itself leaves {mean:.4f} between {low:.4f} and {high:.4f} (95 % Wilson interval, "
        f"{count_of(ranking.images, ranking.thing)}); all groups share it"
    )


def table_cells(ranking: Ranking) -> tuple[list[str], list[list[str]]]:
    """Return the header and one row per group, as text."""
    several = _has_spread(ranking)
    all_finished = all(set(group.states) == {State.finished} for group in ranking.groups)
    header = [
        "",
        *map(shown_key, ranking.axes),
        SHORT.get(ranking.metric, ranking.metric),
        *(["sd", "n"] if several else []),
    ]
    header += [SHORT.get(name, name) for name in ranking.groups[0].others] + ([] if all_finished else ["runs"])
    rows = []
    for group in ranking.rows:
        row = [_mark(ranking, group), *(shown_value(*one) for one in group.values.items()), _measured(group)]
        if several:
            row += ["", ""] if group.summary is None else [_number(group.summary.deviation), str(group.summary.n)]
        row += [_number(value, 1 if name.startswith(TIME) else 4) for name, value in group.others.items()]
        rows.append(row if all_finished else [*row, ", ".join(f"{n} {state}" for state, n in group.states.items())])
    return header, rows


def _mark(ranking: Ranking, group: Group) -> str:
    place = ranking.place_of(group)
    if place is None:
        return ""
    mark = "best" if place == 1 else str(place)
    return f"{mark} {LEVEL_MARK}" if ranking.is_level(group) else mark


def _measured(group: Group) -> str:
    if group.summary is None:
        return ""
    spread = "" if isnan(group.summary.half_width) else f" ± {group.summary.half_width:.4f}"
    return f"{group.summary.mean:.4f}{spread}"


def _number(value: float, digits: int = 4) -> str:
    return "" if isnan(value) else f"{value:.{digits}f}"

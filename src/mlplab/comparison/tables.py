"""A ranking as text: for a terminal, as Markdown, CSV or JSON."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from math import isnan

from mlplab.comparison.ranking import Group, Ranking
from mlplab.schema import STATE_OF_STATUS, TIME, TOTAL_SECONDS, State, final_accuracy, final_loss
from mlplab.terminal import draw_table

SHORT = {
    final_accuracy("test"): "test acc",
    final_accuracy("val"): "val acc",
    final_accuracy("train"): "train acc",
    final_loss("test"): "test loss",
    final_loss("train"): "train loss",
    TOTAL_SECONDS: "seconds",
}
# Metrics that a table shows beside the one that ranks.
OTHER_METRICS = (
    final_accuracy("test"), final_accuracy("train"), final_loss("test"), final_loss("train"), TOTAL_SECONDS,
)  # fmt: skip


def terminal_table(ranking: Ranking) -> str:
    """Return a table with lines, the best group marked, and what is to be said of it."""
    return "\n".join([draw_table(*table_cells(ranking)), *notes(ranking)])


def markdown_table(ranking: Ranking) -> str:
    """Return a Markdown table and the notes."""
    header, rows = table_cells(ranking)
    lines = [" | ".join(cells) for cells in [header, ["---"] * len(header), *rows]]
    return "\n".join([*(f"| {line} |" for line in lines), "", *notes(ranking)])


def comma_separated(ranking: Ranking) -> str:
    """Return one line per group, numbers in full."""
    records = _records(ranking)
    file = io.StringIO()
    writer = csv.DictWriter(file, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return file.getvalue().rstrip("\n")


def json_document(ranking: Ranking) -> str:
    """Return metric, verdict and groups, numbers in full."""
    lead = None if ranking.lead is None else {key: _plain(value) for key, value in asdict(ranking.lead).items()}
    document = {"metric": ranking.metric, "lead": lead, "verdict": ranking.verdict, "groups": _records(ranking)}
    return json.dumps(document, indent=1)


FORMATS: dict[str, Callable[[Ranking], str]] = {
    "table": terminal_table,
    "markdown": markdown_table,
    "csv": comma_separated,
    "json": json_document,
}


def notes(ranking: Ranking) -> list[str]:
    """Return what a reader must know: what ranks, how the spread is meant, and whether the lead is noise."""
    lines = [f"ranked by {ranking.metric}: {_why(ranking.metric)}"]
    if any(group.summary and group.summary.n > 1 for group in ranking.groups):
        lines.append("mean ± half the 95 % confidence interval (Student's t over the seeds); sd: standard deviation")
    return [*lines, ranking.verdict] if ranking.verdict else lines


def _why(metric: str) -> str:
    return {
        final_accuracy("val"): "there is a validation split, so the test set chooses nothing",
        final_accuracy("test"): "there is no validation split, so do not select on this",
    }.get(metric, "as you asked")


def table_cells(ranking: Ranking) -> tuple[list[str], list[list[str]]]:
    """Return the header and one row per group, as text."""
    several = any(group.summary and group.summary.n > 1 for group in ranking.groups)
    all_finished = all(set(group.states) == {State.finished} for group in ranking.groups)
    places = {id(group): place for place, group in enumerate(ranking.groups)}
    others = list(ranking.groups[0].others)
    header = ["", *ranking.axes, SHORT.get(ranking.metric, ranking.metric), *(["sd", "n"] if several else [])]
    header += [SHORT.get(name, name) for name in others] + ([] if all_finished else ["runs"])
    rows = []
    for group in ranking.rows:
        place = places[id(group)]
        mark = "" if group.summary is None else "best" if place == 0 else str(place + 1)
        row = [mark, *group.values.values(), _measured(group)]
        if several:
            row += ["", ""] if group.summary is None else [_number(group.summary.deviation), str(group.summary.n)]
        row += [_number(value, 1 if name.startswith(TIME) else 4) for name, value in group.others.items()]
        rows.append(row if all_finished else [*row, ", ".join(f"{n} {state}" for state, n in group.states.items())])
    return header, rows


def _measured(group: Group) -> str:
    if group.summary is None:
        return ""
    spread = "" if isnan(group.summary.half_width) else f" ± {group.summary.half_width:.4f}"
    return f"{group.summary.mean:.4f}{spread}"


def _number(value: float, digits: int = 4) -> str:
    return "" if isnan(value) else f"{value:.{digits}f}"


def _plain(value: float | None) -> float | None:
    return None if value is None or isnan(value) else value


def _records(ranking: Ranking) -> list[dict[str, object]]:
    return [
        {
            **group.values,
            ranking.metric: _plain(None if group.summary is None else group.summary.mean),
            "standard_deviation": _plain(None if group.summary is None else group.summary.deviation),
            "confidence_half_width": _plain(None if group.summary is None else group.summary.half_width),
            "n": group.summary.n if group.summary else 0,
            **{name: _plain(value) for name, value in group.others.items()},
            **{str(state): group.states.get(state, 0) for state in STATE_OF_STATUS.values()},
        }
        for group in ranking.rows
    ]

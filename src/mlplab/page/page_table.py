"""The table of a page: a row per group, which opens to its runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import pandas as pd

from mlplab.comparison.ranking import Group, Ranking
from mlplab.comparison.states import state_of_row
from mlplab.comparison.tables import LEVEL_MARK, SHORT
from mlplab.names import shown_key, shown_value
from mlplab.schema import BEST_STEP, ERROR_TAG, FINAL, TIME, State

TRACEBACK = "traceback.txt"


@dataclass(frozen=True)
class Column:
    """A column: ``key`` is what the full name is, ``numeric`` says that it is set to the right and sorted by size."""

    key: str
    title: str
    numeric: bool
    shown: bool = True


@dataclass(frozen=True)
class Cell:
    """A cell: its text, and what it is sorted by."""

    text: str
    value: float | str | None


@dataclass(frozen=True)
class RunRow:
    """A run: its name, its page in MLflow, its cells, and why it failed, with the log of that."""

    name: str
    link: str
    cells: list[Cell]
    reason: str
    log: str


@dataclass(frozen=True)
class GroupRow:
    """A group: its place in the ranking, its name, its cells and its runs."""

    place: int
    name: str
    best: bool
    cells: list[Cell]
    runs: list[RunRow]


@dataclass(frozen=True)
class Links:
    """Addresses in MLflow: of a run, and of an artifact of a run."""

    run: Callable[[str], str]
    artifact: Callable[[str, str], str]


def table_columns(ranking: Ranking, runs: pd.DataFrame) -> list[Column]:
    """Return the columns: those of the ranking are shown, further final metrics can be chosen."""
    several = any(group.summary and group.summary.n > 1 for group in ranking.groups)
    columns = [Column("rank", "rank", True)]
    columns += [Column(axis, shown_key(axis), _numbers(ranking, axis)) for axis in ranking.axes]
    columns.append(Column(ranking.metric, SHORT.get(ranking.metric, ranking.metric), True))
    columns += [Column("sd", "sd", True, several), Column("n", "n", True, several)]
    for name in _metrics(ranking, runs):
        shown = name in ranking.groups[0].others
        columns.append(Column(name, SHORT.get(name, name.removeprefix(FINAL).removeprefix(TIME)), True, shown))
    finished = all(set(group.states) == {State.finished} for group in ranking.groups)
    return [*columns, Column("state", "runs", False, not finished)]


def _metrics(ranking: Ranking, runs: pd.DataFrame) -> list[str]:
    logged = [name.removeprefix("metrics.") for name in runs.columns if name.startswith("metrics.")]
    finals = sorted(name for name in logged if name.startswith((FINAL, TIME)))
    others = list(ranking.groups[0].others)
    return [*others, *(name for name in finals if name != ranking.metric and name not in others)]


def _numbers(ranking: Ranking, axis: str) -> bool:
    return all(isinstance(_sortable(group.values[axis]), float) for group in ranking.groups)


def _sortable(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def table_rows_of(ranking: Ranking, runs: pd.DataFrame, links: Links) -> list[GroupRow]:
    """Return a row per group in the table's order, each with its runs."""
    metrics = _metrics(ranking, runs)
    by_id = {str(record["run_id"]): record for record in runs.to_dict("records")}
    places = {id(group): place for place, group in enumerate(ranking.groups)}
    rows = []
    for group in ranking.rows:
        place = places[id(group)]
        own = [by_id[run_id] for run_id in group.run_ids]
        cells = [*_group_head(ranking, group, place), *(_number_cell(_mean(own, name), name) for name in metrics)]
        states = ", ".join(f"{count} {state}" for state, count in group.states.items())
        cells.append(Cell(states, states))
        members = sorted((_run_row(ranking, run, metrics, links) for run in own), key=lambda row: row.name)
        rows.append(GroupRow(place, group.name, ranking.place_of(group) == 1, cells, members))
    return rows


def _group_head(ranking: Ranking, group: Group, place: int) -> list[Cell]:
    summary = group.summary
    rank = ranking.place_of(group)
    mark = f" {LEVEL_MARK}" if ranking.is_level(group) else ""
    cells = [Cell("" if rank is None else f"{rank}{mark}", None if rank is None else float(place))]
    cells += [Cell(shown_value(*one), _sortable(one[1])) for one in group.values.items()]
    if summary is None:
        return [*cells, Cell("", None), Cell("", None), Cell("0", 0.0)]
    spread = "" if isnan(summary.half_width) else f" ± {summary.half_width:.4f}"
    cells.append(Cell(f"{summary.mean:.4f}{spread}", summary.mean))
    return [*cells, _number_cell(summary.deviation, ranking.metric), Cell(str(summary.n), float(summary.n))]


def _run_row(ranking: Ranking, run: dict[str, Any], metrics: Sequence[str], links: Links) -> RunRow:
    state = state_of_row(run)
    finished = state is State.finished
    blank = Cell("", None)
    cells = [blank] * (1 + len(ranking.axes))
    cells += [_number_cell(_value(run, ranking.metric) if finished else float("nan"), ranking.metric), blank, blank]
    cells += [_number_cell(_value(run, name) if finished else float("nan"), name) for name in metrics]
    reason = run.get(f"tags.{ERROR_TAG}")
    failed = state is State.failed
    return RunRow(
        _run_name(run),
        links.run(run["run_id"]),
        [*cells, Cell(str(state), str(state))],
        reason if failed and isinstance(reason, str) else "",
        links.artifact(run["run_id"], TRACEBACK) if failed else "",
    )


def _run_name(run: dict[str, Any]) -> str:
    name, seed = run.get("name"), run.get("params.seed", pd.NA)
    label = name if isinstance(name, str) and name else str(run["run_id"])[:8]
    return label if pd.isna(seed) or "seed=" in label else f"{label} seed={seed}"


def _mean(runs: Sequence[dict[str, Any]], name: str) -> float:
    values = [_value(run, name) for run in runs if state_of_row(run) is State.finished]
    known = [value for value in values if not isnan(value)]
    return sum(known) / len(known) if known else float("nan")


def _value(run: dict[str, Any], name: str) -> float:
    return float(run.get(f"metrics.{name}", float("nan")))


def _number_cell(value: float, name: str) -> Cell:
    if isnan(value):
        return Cell("", None)
    digits = 0 if name == BEST_STEP else 1 if name.startswith(TIME) else 4
    return Cell(f"{value:,.{digits}f}", value)

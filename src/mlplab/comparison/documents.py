"""A ranking for other programs, numbers in full; and all forms that a ranking has as text."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from math import isfinite, isnan

from mlplab.comparison.importance import METHOD
from mlplab.comparison.ranking import Group, Ranking
from mlplab.comparison.statistics import CONFIDENCE, SIGNIFICANCE
from mlplab.comparison.tables import markdown_table, terminal_table
from mlplab.schema import RUN_STATES

Scalar = str | int | float | bool | None
Cell = Scalar | list[str] | list[Scalar]


def comma_separated(ranking: Ranking) -> str:
    """Return one line per group; lists are separated by spaces, warnings by semicolons."""
    records = [
        {
            key: " ".join(map(str, value)) if isinstance(value, list) else value
            for key, value in _record(ranking, group).items()
        }
        for group in ranking.rows
    ]
    file = io.StringIO()
    writer = csv.DictWriter(file, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return file.getvalue().rstrip("\n")


def json_document(ranking: Ranking) -> str:
    """Return metric, verdict, test and groups."""
    separation = ranking.separation
    lead = separation.lead if separation else None
    document = {
        "metric": ranking.metric,
        "missing": ranking.missing,
        "verdict": ranking.verdict,
        "test": separation.test if separation else None,
        "level": SIGNIFICANCE,
        "confidence": CONFIDENCE,
        "lead": {"mean": lead.mean, "half_width": _plain(lead.half_width), "p": lead.p} if lead else None,
        "importance": {"method": METHOD, **asdict(ranking.importance)} if ranking.importance else None,
        "warnings": ranking.warnings,
        "groups": [_record(ranking, group) for group in ranking.rows],
    }
    return json.dumps(document, indent=1, allow_nan=False)


FORMATS: dict[str, Callable[[Ranking], str]] = {
    "table": terminal_table,
    "markdown": markdown_table,
    "csv": comma_separated,
    "json": json_document,
}


def _record(ranking: Ranking, group: Group) -> dict[str, Cell]:
    summary, p = group.summary, ranking.p_of(group)
    is_tested = p is not None or group is ranking.groups[0]
    return {
        "rank": ranking.place_of(group),
        **{key: _typed(value) for key, value in group.values.items()},
        ranking.metric: None if summary is None else _plain(summary.mean),
        "standard_deviation": None if summary is None else _plain(summary.deviation),
        "confidence_half_width": None if summary is None else _plain(summary.half_width),
        "n": len(group.observations),
        **{name: _plain(value) for name, value in group.others.items()},
        **{str(state): group.states.get(state, 0) for state in RUN_STATES},
        "p_against_best": p,
        "cannot_be_told_from_best": None if p is None else ranking.is_level(group),
        "level": SIGNIFICANCE,
        "test": ranking.separation.test if ranking.separation and is_tested else None,
        "seeds": [_typed(seed) for seed in group.observations],
        "run_ids": group.run_ids,
        "sweep": " ".join(ranking.sweeps),
        "warning": "; ".join(text for text in (ranking.missing, *ranking.warnings) if text),
    }


def _flat(value: Cell) -> Scalar:
    return " ".join(map(str, value)) if isinstance(value, list) else value


def _plain(value: float) -> float | None:
    return None if isnan(value) else value


def _typed(text: str) -> Scalar:
    """Return a number or truth value that was a param, as what it is."""
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if isfinite(number) else text
    return text

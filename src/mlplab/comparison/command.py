"""Compare runs that are in the store: by default the last sweep.

  python src/compare.py                                     the last sweep
  python src/compare.py sweep=20261121-054810-6d32          another
  python src/compare.py runs=[ID,ID]                        these runs
  python src/compare.py filter="params.activation = 'relu'" what MLflow's filter finds
  python src/compare.py format=markdown out=results.md      to a file
  python src/compare.py format=html                         as a page with charts: comparison.html

  experiment=mlplab      of MLflow                          uri=URI           of the store or server; the default is
                                                                              MLFLOW_TRACKING_URI, or ./mlflow.db
  metric=final/test_loss what ranks                         group_by=[activation]  the keys that make groups
  sort_by=learning_rate  a key, instead of what ranks       format=table      table, markdown, csv, json, html

Runs that differ in their seed alone are one group: mean, confidence interval, and whether the best is more than noise.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Optional

import pandas as pd
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mlplab.comparison import query
from mlplab.comparison.ranking import Ranking, natural, rank
from mlplab.comparison.tables import FORMATS
from mlplab.errors import ConfigError
from mlplab.progress import say
from mlplab.tracking.store import COMMAND_TAG, Store, find_store

HTML, PAGE = "html", "comparison.html"
OTHERS = ("final/test_accuracy", "final/train_accuracy", "final/test_loss", "final/train_loss", "time/total_seconds")


@dataclass
class Options:
    """What is typed: see the help above."""

    sweep: Optional[str] = None  # noqa: UP045 - OmegaConf 2.3 reads Optional, not `str | None`
    runs: list[str] = field(default_factory=list)
    filter: Optional[str] = None  # noqa: UP045
    experiment: str = "mlplab"
    uri: Optional[str] = None  # noqa: UP045
    metric: Optional[str] = None  # noqa: UP045
    group_by: Optional[list[str]] = None  # noqa: UP045
    sort_by: Optional[str] = None  # noqa: UP045
    format: str = "table"
    out: Optional[str] = None  # noqa: UP045


def main(arguments: Sequence[str]) -> None:
    """Carry out ``python src/compare.py`` with these arguments.

    Raises:
        ConfigError: an argument is wrong, or matches nothing.
        StoreError: the store does not answer.
    """
    if {"-h", "--help"} & set(arguments):
        say(str(__doc__))
        return
    options = _parse(arguments)
    store = find_store(options.uri or os.environ.get("MLFLOW_TRACKING_URI") or None, options.experiment)
    runs = _select(store, options)
    ranking = _rank(runs, options)
    if options.format == HTML:
        from mlplab.comparison import page

        text = page.render(store, runs, ranking, f"{len(runs)} runs of {options.experiment}")
        options.out = options.out or PAGE
    else:
        text = FORMATS[options.format](ranking)
    if options.out is None:
        say(text)
        return
    Path(options.out).write_text(text + "\n", encoding="utf-8")
    say(f"{options.out}: {len(runs)} runs compared")


def of_sweep(store: Store, sweep: str, title: str) -> tuple[str, Callable[[], str]] | None:
    """Return the table that ends a sweep, and what makes its page; None where it has no run to rank."""
    runs = query.runs(store, f"tags.sweep = '{sweep}'")
    if runs.empty:
        return None
    from mlplab.comparison import page  # Plotly: only for who looks at charts

    ranking = rank(runs, others=OTHERS)
    return FORMATS["table"](ranking), lambda: page.render(store, runs, ranking, title)


def _parse(arguments: Sequence[str]) -> Options:
    known = [option.name for option in fields(Options)]
    for argument in arguments:
        key, separator, _ = argument.partition("=")
        if key not in known or not separator:
            raise ConfigError(f"{argument}: takes key=value with one of {', '.join(known)}; see `--help`")
    try:
        options = OmegaConf.to_object(
            OmegaConf.merge(OmegaConf.structured(Options), OmegaConf.from_cli(list(arguments)))
        )
    except OmegaConfBaseException as error:
        raise ConfigError(f"{' '.join(arguments)}: {str(error).splitlines()[0]}; see `--help`") from error
    assert isinstance(options, Options)
    if options.format not in (*FORMATS, HTML):
        raise ConfigError(f"format={options.format}: takes one of {', '.join((*FORMATS, HTML))}")
    return options


def _select(store: Store, options: Options) -> pd.DataFrame:
    clauses = []
    if options.runs:
        clauses.append(f"attributes.run_id IN ({', '.join(map(repr, options.runs))})")
    sweep = options.sweep
    if not options.runs and sweep is None and options.filter is None:
        sweep = _last_sweep(store)
    if sweep is not None:
        clauses.append(f"tags.sweep = '{sweep}'")
    if options.filter is not None:
        clauses.append(options.filter)
    runs = query.runs(store, " and ".join(clauses))
    if runs.empty:
        what = " ".join(
            f"{key}={value}" for key, value in vars(options).items() if key in ("sweep", "runs", "filter") and value
        )
        raise ConfigError(f"{what or 'the last sweep'}: no run matches; {_what_there_is(store)}")
    return runs


def _last_sweep(store: Store) -> str | None:
    found = store.search(f"tags.`{COMMAND_TAG}` != ''")
    return found[0].data.tags["sweep"] if found else None


def _what_there_is(store: Store) -> str:
    sweeps = [run.data.tags["sweep"] for run in store.search(f"tags.`{COMMAND_TAG}` != ''")]
    runs = len(query.runs(store))
    some = f": {', '.join(sweeps[:5])}{' ...' if len(sweeps) > 5 else ''}" if sweeps else ""
    return f"the experiment has {runs} runs and {len(sweeps)} sweeps{some}"


def _rank(runs: pd.DataFrame, options: Options) -> Ranking:
    metrics = sorted(column.removeprefix("metrics.") for column in runs.columns if column.startswith("metrics."))
    if options.metric is not None and options.metric not in metrics:
        raise ConfigError(f"metric={options.metric}: these runs have {', '.join(metrics) or 'none'}")
    keys = [column.removeprefix("params.") for column in runs.columns if column.startswith("params.")]
    for key in [*(options.group_by or []), *([options.sort_by] if options.sort_by else [])]:
        if key not in keys:
            raise ConfigError(f"{key}: no such key of a run; there are {', '.join(keys)}")
    ranking = rank(runs, options.metric, options.group_by, OTHERS)
    if options.sort_by is not None:
        if options.sort_by not in ranking.axes:
            raise ConfigError(
                f"sort_by={options.sort_by}: does not vary here; {', '.join(ranking.axes) or 'nothing'} does"
            )
        key = options.sort_by
        ranking = replace(ranking, shown=sorted(ranking.groups, key=lambda group: natural(group.values[key])))
    return ranking

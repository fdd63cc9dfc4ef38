"""Compare runs that are in the store: by default the last sweep.

  python src/compare.py                                     the last sweep
  python src/compare.py sweep=20261121-054810-6d32          another
  python src/compare.py runs=[ID,ID]                        these runs
  python src/compare.py filter="params.activation = 'relu'" what MLflow's filter finds
  python src/compare.py out=results.md                      to a file: .md, .csv, .json, .html, .txt
  python src/compare.py format=html                         as a page with charts: comparison.html

  tracking.experiment=mlplab  MLflow's experiment           tracking.uri=URI  of the store or server; the default is
                                                                              MLFLOW_TRACKING_URI, or ./mlflow.db
  metric=final/test_loss what ranks                         group_by=[activation]  the keys that make groups
  lower_is_better=true   of a metric of your own; losses and times are known to be
  sort_by=learning_rate  a key, instead of what ranks       format=table      table, markdown, csv, json, html: by
                                                                              default what the name of out= ends with

Runs that differ in their seed alone are one group: mean, confidence interval, and which groups cannot be told from the
best. With group_by the runs of one seed are averaged first: one seed is one observation.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Optional

from mlplab import environment
from mlplab.app.options import StoreOptions, parse_options, store_uri
from mlplab.commands import as_typed
from mlplab.errors import ConfigError
from mlplab.schema import PAGE
from mlplab.terminal import count_of, say

if TYPE_CHECKING:
    import pandas as pd

    from mlplab.comparison.ranking import Ranking

_HTML = "html"
_FORMAT_OF_ENDING = {".txt": "table", ".md": "markdown", ".csv": "csv", ".json": "json", ".html": _HTML}
_FORMER_KEYS = {"experiment": "tracking.experiment", "uri": "tracking.uri"}


@dataclass
class Options:
    """What is typed: see the help above."""

    sweep: Optional[str] = None  # noqa: UP045 - OmegaConf 2.3 reads Optional, not `str | None`
    runs: list[str] = field(default_factory=list)
    filter: Optional[str] = None  # noqa: UP045
    tracking: StoreOptions = field(default_factory=StoreOptions)
    metric: Optional[str] = None  # noqa: UP045
    group_by: Optional[list[str]] = None  # noqa: UP045
    sort_by: Optional[str] = None  # noqa: UP045
    lower_is_better: Optional[bool] = None  # noqa: UP045
    format: Optional[str] = None  # noqa: UP045
    out: Optional[str] = None  # noqa: UP045


def main() -> None:
    """Run the command with what was typed."""
    environment.prepare_command()
    from mlplab.app import commandline

    commandline.run_command(lambda: _compare(sys.argv[1:]))


def _compare(arguments: Sequence[str]) -> None:
    """Carry out the comparison.

    Raises:
        ConfigError: an argument is wrong, or matches nothing.
        StoreError: the store does not answer.
    """
    if {"-h", "--help"} & set(arguments):
        say(as_typed(str(__doc__)))
        return
    from mlplab.comparison.completeness import axes_in_part, jobs_of_sweep
    from mlplab.comparison.documents import FORMATS
    from mlplab.comparison.judging import add_stored_facts
    from mlplab.comparison.selection import Selection, select_runs, whole_sweep
    from mlplab.store.snapshot import Snapshot
    from mlplab.tracking.reading import read_existing

    environment.imports_are_done()
    options = _parse(arguments, [*FORMATS, _HTML])
    uri = store_uri(options.tracking.uri)
    store = Snapshot.of(read_existing(uri, options.tracking.experiment).store)
    selection = Selection(options.sweep, options.runs, options.filter)
    runs = select_runs(store, selection)
    sweep = whole_sweep(store, selection)
    jobs = [] if sweep is None else jobs_of_sweep(store, sweep)
    ranking = add_stored_facts(store, _rank(runs, options, axes_in_part(jobs, runs)), runs, jobs)
    if options.format == _HTML:
        from mlplab.page.comparison_page import render_page

        text = render_page(store, runs, ranking, f"{count_of(len(runs), 'run')} of {options.tracking.experiment}")
        options.out = options.out or PAGE
    else:
        text = FORMATS[str(options.format)](ranking)
    if options.out is None:
        say(text)
        return
    try:
        Path(options.out).expanduser().write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"out={options.out}: cannot be written ({error.strerror}); choose another file") from error
    say(f"{options.out}: {count_of(len(runs), 'run')} compared")


def _parse(arguments: Sequence[str], formats: Sequence[str]) -> Options:
    options = parse_options(Options, arguments, _FORMER_KEYS)
    if options.format is None:
        options.format = "table" if options.out is None else _format_of(options.out)
    if options.format not in formats:
        raise ConfigError(f"format={options.format}: takes one of {', '.join(formats)}")
    return options


def _format_of(name: str) -> str:
    ending = Path(name).suffix.lower()
    if ending not in _FORMAT_OF_ENDING:
        raise ConfigError(
            f"out={name}: tells no format by its ending; take one of {', '.join(_FORMAT_OF_ENDING)}, or add format="
        )
    return _FORMAT_OF_ENDING[ending]


def _rank(runs: "pd.DataFrame", options: Options, swept: Sequence[str]) -> "Ranking":
    from mlplab.comparison.ranking import natural, rank
    from mlplab.comparison.tables import OTHER_METRICS

    metrics = sorted(column.removeprefix("metrics.") for column in runs.columns if column.startswith("metrics."))
    if options.metric is not None and options.metric not in metrics:
        raise ConfigError(f"metric={options.metric}: these runs have {', '.join(metrics) or 'none'}")
    if options.lower_is_better is not None and options.metric is None:
        raise ConfigError(
            f"lower_is_better={str(options.lower_is_better).lower()}: says so of which metric? Add metric="
        )
    keys = [column.removeprefix("params.") for column in runs.columns if column.startswith("params.")]
    if options.group_by and len(set(options.group_by)) < len(options.group_by):
        raise ConfigError(f"group_by=[{','.join(options.group_by)}]: takes each key once")
    named = [("group_by", key) for key in options.group_by or []]
    named += [("sort_by", options.sort_by)] if options.sort_by else []
    for option, key in named:
        if key not in keys:
            raise ConfigError(f"{option}={key}: no such key of a run; there are {', '.join(keys)}")
    ranking = rank(runs, options.metric, options.group_by, OTHER_METRICS, options.lower_is_better, swept)
    if options.sort_by is not None:
        if options.sort_by not in ranking.axes:
            raise ConfigError(
                f"sort_by={options.sort_by}: does not vary here; {', '.join(ranking.axes) or 'nothing'} does"
            )
        key = options.sort_by
        ranking = replace(ranking, shown=sorted(ranking.groups, key=lambda group: natural(group.values[key])))
    return ranking

"""What ``python src/reproduce.py`` does: plan, run what is missing, judge, and report."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.utils import JobReturn

from mlplab.config import CARRYING_OUT
from mlplab.errors import ConfigError
from mlplab.reproduction import plan, published
from mlplab.sweeps.context import SweepContext
from mlplab.sweeps.grid_sweep import sweep_jobs
from mlplab.sweeps.manifest import determining_overrides
from mlplab.terminal import say

if TYPE_CHECKING:
    from mlplab.sweeps.manifest import Manifest
    from mlplab.sweeps.record import Member
    from mlplab.tracking.reading import Reading
    from mlplab.tracking.run import Run

log = logging.getLogger(__name__)

REPORT = "report.html"
_HARMLESS = ("hydra", "tracking", "data.root", "device", "engine")  # beginnings of keys that change no verdict


@dataclass(frozen=True)
class Options:
    """The options of the command.

    Attributes:
        reports: their names, or ``all``.
        seeds: how many for every cell; they are 0, 1, ...
        out: a folder for results.md and results.png; "" for none.
    """

    reports: list[str]
    seeds: int
    out: str


def reproduce(options: Options, arguments: list[str], context: SweepContext) -> Sequence[JobReturn]:
    """Run the cells of these reports, and judge them.

    Args:
        options: which reports, and how often.
        arguments: overrides for every run.
        context: what Hydra handed over.

    Raises:
        ConfigError: an argument is wrong; nothing has run.
        StoreError, SweepError: see :func:`mlplab.sweeps.grid_sweep.sweep_grid`.
    """
    if options.seeds < 1:
        raise ConfigError(f"seeds={options.seeds}: takes a number of seeds, at least 1")
    if options.out and not Path(options.out).is_dir():
        raise ConfigError(f"out={options.out}: no such folder; create it, or choose another")
    cells = published.select_cells(options.reports)
    if "all" in options.reports:
        cells += plan.DELIVERABLES
    made = plan.plan_cells(cells, options.seeds, arguments, context.compose)
    _warn_of_changed(arguments)
    reports = f"reports={','.join(options.reports)}"
    typed = ["reproduce", reports, f"seeds={options.seeds}", *arguments, f"plan={made.digest}"]

    def conclude(reading: "Reading", manifest: "Manifest", own: "Run", members: Mapping[int, "Member"]) -> None:  # noqa: ARG001
        from mlplab.reproduction import report  # Plotly: only when there is something to draw

        results = report.judge_results(made, members, reading.store, [reports, *determining_overrides(arguments)])
        own.log_text(report.report_document(results), "report.md")
        own.log_text(report.report_page(results), REPORT)
        say(report.report_table(results))
        if options.out:
            for path in report.write_report(results, Path(options.out)):
                say(f"written:                  {path}")

    from mlplab.reproduction.known import find_known  # MLflow takes a second to import: not for a wrong key

    return sweep_jobs(made.jobs, typed, context, conclude, find_known, REPORT)


def _warn_of_changed(arguments: Sequence[str]) -> None:
    keys = {text: text.partition("=")[0].lstrip("+") for text in arguments}
    changed = [text for text, key in keys.items() if not key.startswith(_HARMLESS) and key not in CARRYING_OUT]
    if changed:
        log.warning("%s: differs from what was published, and the verdicts compare with that", " ".join(changed))

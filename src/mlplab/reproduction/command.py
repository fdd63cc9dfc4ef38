"""What ``python src/reproduce.py`` does: plan, run what is to be run, judge, and report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.config_loader import ConfigLoader
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig

from mlplab.errors import ConfigError
from mlplab.progress import say
from mlplab.reproduction import plan, published
from mlplab.sweeps import command, grid
from mlplab.sweeps.manifest import command as determining

if TYPE_CHECKING:
    from mlplab.sweeps.manifest import Manifest
    from mlplab.sweeps.record import Member
    from mlplab.tracking.run import Run
    from mlplab.tracking.store import Store


@dataclass(frozen=True)
class Wanted:
    """What was typed.

    Attributes:
        reports: their names, or ``all``.
        seeds: of every cell: 0, 1, ...
        out: a folder for results.md and results.png; "" for none.
    """

    reports: list[str]
    seeds: int
    out: str


def reproduce(
    wanted: Wanted, arguments: list[str], hydra_config: DictConfig, loader: ConfigLoader, launcher: Launcher
) -> Sequence[JobReturn]:
    """Run the cells of these reports, and judge them.

    Args:
        wanted: which, and how often.
        arguments: overrides that hold for every run.
        hydra_config, loader, launcher: as Hydra hands them to a sweeper.

    Raises:
        ConfigError: an argument is wrong; nothing has run.
        StoreError, SweepError: see :func:`mlplab.sweeps.command.sweep`.
    """
    if wanted.seeds < 1:
        raise ConfigError(f"seeds={wanted.seeds}: takes a number of seeds, at least 1")
    if wanted.out and not Path(wanted.out).is_dir():
        raise ConfigError(f"out={wanted.out}: no such folder; make it, or take another")
    cells = published.select(wanted.reports)
    if "all" in wanted.reports:
        cells += plan.DELIVERABLES
    made = plan.make(cells, wanted.seeds, arguments, lambda typed: grid.compose(typed, hydra_config, loader))
    reports = f"reports={','.join(wanted.reports)}"
    typed = ["reproduce", reports, f"seeds={wanted.seeds}", *arguments, f"plan={made.digest}"]

    def conclude(store: "Store", manifest: "Manifest", own: "Run", members: Mapping[int, "Member"]) -> None:  # noqa: ARG001
        from mlplab.reproduction import report  # Plotly: only when there is something to draw

        results = report.results(made, members, store, [reports, *determining(arguments)])
        own.log_text(report.markdown(results), "report.md")
        own.log_text(report.page(results), "report.html")
        say(report.table(results))
        say(f"the same with curves:     {store.artifact_page(own.run_id, 'report.html')}")
        if wanted.out:
            for path in report.write(results, Path(wanted.out)):
                say(f"written:                  {path}")

    from mlplab.reproduction import known  # MLflow takes a second to import: not for a wrong key

    return command.carry_out(made.jobs, typed, hydra_config, launcher, conclude, known.find)

"""What ``mlplab.train`` and ``mlplab.sweep`` return: a run, a sweep; each shows itself in a notebook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn
from markupsafe import Markup

from mlplab import schema
from mlplab.app import composition
from mlplab.app.guest import as_guest
from mlplab.app.shown_page import ShownPage
from mlplab.commands import typed_command
from mlplab.comparison.selection import find_own_runs
from mlplab.comparison.sweep_end import SweepComparison, compare_sweep, find_best
from mlplab.comparison.tables import notes
from mlplab.config import TrainConfig
from mlplab.errors import StoreError
from mlplab.models.trust import fetch_model
from mlplab.page.templates import render_fragment
from mlplab.paths import CONF
from mlplab.store.snapshot import Snapshot
from mlplab.sweeps.manifest import Manifest
from mlplab.tracking.earlier import final_metrics
from mlplab.tracking.model import load_model
from mlplab.tracking.reading import read_existing

if TYPE_CHECKING:
    import pandas as pd

    from mlplab.tracking.model import PyFuncModel


@dataclass(frozen=True, repr=False)
class TrainedRun:
    """A run that has finished.

    Attributes:
        run_id: MLflow's; None as long as the store is away.
        metrics: the final ones, by their names in MLflow, such as ``final/test_accuracy``.
        settings: its config.
    """

    run_id: str | None
    metrics: dict[str, float]
    settings: TrainConfig

    def model(self) -> "PyFuncModel":
        """Return the trained network: ``predict`` takes raw pixels, uint8 (N, I), and returns classes, int64 (N,).

        Raises:
            StoreError: the store does not answer, or does not have the run yet.
            UntrustedModelError: the files there are not those that the run saved.
        """
        tracking = self.settings.tracking
        if self.run_id is None:
            raise StoreError(f"{self.settings.name}: is not in MLflow yet; `{typed_command('sync')}` sends it")
        with as_guest(names_store=True), TemporaryDirectory() as folder:
            store = read_existing(tracking.uri, tracking.experiment).store
            with store.explaining():
                run = store.client.get_run(self.run_id)
            return load_model(fetch_model(store, run, Path(folder)))

    def __repr__(self) -> str:
        return f"{self.settings.name}: {self._accuracies} (run {self.run_id})"

    @property
    def _accuracies(self) -> str:
        found = {split: self.metrics.get(schema.final_accuracy(split)) for split in ("test", "val", "train")}
        return ", ".join(f"{split} accuracy {value:.4f}" for split, value in found.items() if value is not None)

    def _repr_html_(self) -> str:
        rows = {"run": self.run_id or "not in MLflow yet"}
        rows |= {name: f"{value:,.4f}" for name, value in self.metrics.items()}
        return render_fragment("run_card.html", title=self.settings.name, rows=rows)


@dataclass(frozen=True, repr=False)
class SweepResult:
    """A sweep that has ended.

    Attributes:
        sweep: its id.
        uri: of its store; None for the project's own.
        experiment: MLflow's, that has it.
    """

    sweep: str
    uri: str | None
    experiment: str

    @classmethod
    def of(cls, returns: Sequence[JobReturn], uri: str | None, experiment: str) -> "SweepResult":
        """Return the sweep whose jobs returned this."""
        parsed = OverridesParser.create().parse_overrides(list(returns[0].overrides or []))
        values: Mapping[str, Any] = {override.key_or_group: override.value() for override in parsed}
        return cls(str(values["tracking.sweep"]), uri, experiment)

    def table(self) -> "pd.DataFrame":
        """Return a row for each run, best first: what varies, the final metrics, the state, and the run's id.

        Raises:
            StoreError: the store does not answer.
        """
        compared = self._comparison
        runs, ranking = compared.runs, compared.ranking
        varying = [f"params.{axis}" for axis in [*ranking.axes, "seed"] if runs[f"params.{axis}"].nunique() > 1]
        final = sorted(column for column in runs.columns if column.startswith(f"metrics.{schema.FINAL}"))
        final.sort(key=lambda column: column != f"metrics.{ranking.metric}")  # first what ranks
        chosen = runs[[*varying, *final, f"metrics.{schema.TOTAL_SECONDS}", "status", "run_id"]]
        ordered = chosen.sort_values(f"metrics.{ranking.metric}", ascending=ranking.ascending, kind="stable")
        return ordered.rename(columns=_short_name).reset_index(drop=True)

    @property
    def best(self) -> TrainedRun:
        """The best run of the group that ranks first.

        Raises:
            StoreError: the store does not answer, or no run has finished.
        """
        with as_guest(names_store=True):
            store = Snapshot.of(read_existing(self.uri, self.experiment).store)
            found = find_best(store, self.sweep)
            if found is None:
                raise StoreError(f"sweep {self.sweep}: no run has finished")
            (run,) = store.find([found.run_id])
            own = find_own_runs(store, self.sweep)[0].info.run_id
            manifest = Manifest.from_json(store.read_artifacts(own, schema.MANIFEST)[0] or "")
            job = manifest.jobs[int(run.data.tags[schema.JOB_TAG])]
            address = [] if self.uri is None else [f"tracking.uri='{self.uri}'"]
            with initialize_config_dir(str(CONF), version_base="1.3"):
                settings = composition.read_config(compose("train", [*job.overrides(), *address]))
        return TrainedRun(found.run_id, final_metrics(run), settings)

    def page(self, path: str | Path | None = None) -> ShownPage:
        """Write the comparison as one HTML file, and open it: in a notebook as the output, else in the browser.

        Args:
            path: of the file; by default ``comparison-SWEEP.html`` in the current folder.

        Raises:
            StoreError: the store does not answer.
            OSError: the file cannot be written.
        """
        from mlplab.page.comparison_page import render_page

        file = Path(path or f"comparison-{self.sweep}.html").expanduser().absolute()
        with as_guest(names_store=True):
            store = Snapshot.of(read_existing(self.uri, self.experiment).store)
            compared = self._comparison
            file.write_text(render_page(store, compared.runs, compared.ranking, f"sweep {self.sweep}"), "utf-8")
        return ShownPage.opened(file)

    @cached_property
    def _comparison(self) -> SweepComparison:
        with as_guest(names_store=True):
            found = compare_sweep(Snapshot.of(read_existing(self.uri, self.experiment).store), self.sweep)
        if found is None:
            raise StoreError(f"sweep {self.sweep}: the store has no run of it")
        return found

    def __repr__(self) -> str:
        return f"sweep {self.sweep}\n{self._comparison.table()}"

    def _repr_html_(self) -> str:
        table = self.table().to_html(index=False, float_format="{:.4f}".format, border=0)
        return render_fragment(
            "sweep_card.html", title=f"sweep {self.sweep}", table=Markup(table), notes=notes(self._comparison.ranking)
        )


def _short_name(column: str) -> str:
    if column == f"metrics.{schema.TOTAL_SECONDS}":
        return "seconds"
    return column.removeprefix("params.").removeprefix("metrics.").removeprefix(schema.FINAL)

"""What a person sees while a network trains, and when it is done.

In a terminal a progress bar, elsewhere one line per epoch; then a summary, and what to type next.
"""

import logging
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mlplab.tracking.store import Store
from mlplab.training import Report, Schedule

log = logging.getLogger(__name__)


class Display:
    """Shows the reports of one run, as a context."""

    def __init__(self, name: str, schedule: Schedule) -> None:
        """Prepare to show a run of that name."""
        self._name, self._schedule = name, schedule
        console = Console()
        columns = (
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[status]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=console) if console.is_terminal else None
        self._metrics: dict[str, float] = {}

    def __enter__(self) -> "Display":
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task(self._name, total=self._schedule.steps, status="")
        else:
            print(f"{self._name}: {self._schedule.steps:,} iterations", flush=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, report: Report) -> None:
        """Show where training stands."""
        self._metrics.update(report.metrics)
        if self._bar is not None:
            self._bar.update(self._task, completed=report.step, status=self._status(report))
        if report.ends_epoch:
            line = self._status(report)
            log.info("%s %s", self._name, line)
            if self._bar is None:
                print(f"  {line}", flush=True)

    def _status(self, report: Report) -> str:
        schedule = self._schedule
        digits, epoch_digits = len(f"{schedule.steps:,}"), len(str(schedule.epochs))
        parts = [
            f"epoch {report.epoch:{epoch_digits}}/{schedule.epochs}",
            f"iteration {report.step:{digits},}",
            f"train loss {report.train_loss:.4f}",
        ]
        if "test/accuracy" in self._metrics:
            parts.append(f"test accuracy {self._metrics['test/accuracy']:.4f}")
        if report.train_seconds > 0:
            parts.append(f"{report.rows / report.train_seconds:,.0f} samples/s")
        return "  ".join(parts)


def show_summary(final: Mapping[str, float]) -> None:
    """Print how the run ended."""
    rows = {
        "test accuracy": f"{final['final/test_accuracy']:.4f}   (train {final['final/train_accuracy']:.4f})",
        "test loss": f"{final['final/test_loss']:.4f}   (train {final['final/train_loss']:.4f})",
        "time": f"{final['time/total_seconds']:.1f} s   (training {final['time/train_seconds']:.1f} s)",
    }
    if "final/val_accuracy" in final:
        rows["val accuracy"] = f"{final['final/val_accuracy']:.4f}"
    _print_rows(rows)


def show_next(store: Store, run_id: str) -> None:
    """Print where a run is kept, and what to type to look at it."""
    rows = {"run": run_id, "page": store.run_page(run_id)}
    if command := store.ui_command():
        rows["served by"] = command
    _print_rows(rows)


def _print_rows(rows: Mapping[str, str]) -> None:
    for label, text in rows.items():
        print(f"  {label:<14} {text}", flush=True)

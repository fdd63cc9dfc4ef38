"""What a user sees while a network trains, and at the end.

In a terminal it is a progress bar, elsewhere one line per epoch; then a summary, and where to see the run.
"""

import logging
import time
from collections.abc import Callable, Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from mlplab import schema
from mlplab.terminal import is_worker, say, say_rows
from mlplab.tracking.run import Run
from mlplab.training.loop import Report
from mlplab.training.schedule import Schedule

log = logging.getLogger(__name__)

REFRESH_SECONDS = 0.1
MOST_LINES = 100  # epochs that get a line each where there is no bar
LINE_SECONDS = 5.0  # between the lines of more
SYNC = "`python src/sync.py` sends them"


class Display:
    """Shows the reports of one run, as a context manager."""

    def __init__(self, name: str, schedule: Schedule, done: int = 0) -> None:
        """Prepare to show the run ``name``, which was resumed after ``done`` updates."""
        self._name, self._schedule, self._done = name, schedule, done
        self._silent = is_worker()
        console = Console()
        columns = (  # fit into 80 characters
            TextColumn("{task.description}", markup=False, table_column=Column(max_width=18, no_wrap=True)),
            BarColumn(bar_width=8),
            TextColumn("{task.fields[status]}", markup=False, table_column=Column(no_wrap=True)),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
        )
        has_bar = console.is_terminal and not self._silent
        # No thread of rich's own refreshes it: an error of a terminal that has gone must come up here.
        self._bar = Progress(*columns, console=console, auto_refresh=False) if has_bar else None
        self._next_refresh = 0.0
        self._measured: tuple[int, float] | None = None  # step and test accuracy of a point that no line has shown
        self._next_line = 0.0

    def __enter__(self) -> "Display":
        if self._silent:
            return self
        if self._bar is not None:
            self._task = self._bar.add_task(self._name, total=self._schedule.steps, completed=self._done, status="")
            self._draw(self._bar.start)
        else:
            resumed = f", resumed after {self._done:,}" if self._done else ""
            say(f"{self._name}: {self._schedule.steps:,} iterations{resumed}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._draw(self._bar.stop)

    def _draw(self, action: Callable[[], None]) -> None:
        try:
            action()
        except OSError:  # the terminal has gone: the work goes on
            self._bar = None

    def update(self, report: Report, waiting: int | None) -> None:
        """Show the progress of training, and how many values wait for a store that is away (None: it is not)."""
        if (accuracy := report.metrics.get(schema.accuracy("test"))) is not None:
            self._measured = report.step, accuracy
        if self._bar is not None:
            status = self._short_status(report) if waiting is None else f"server away, {waiting:,} values wait"
            self._bar.update(self._task, completed=report.step, status=status)
            if time.monotonic() >= self._next_refresh:
                self._next_refresh = time.monotonic() + REFRESH_SECONDS
                self._draw(self._bar.refresh)
        if report.ends_epoch and self._is_due(report):
            line = self._status(report)
            self._measured = None
            log.info("%s %s", self._name, line)
            if self._bar is None and not self._silent:
                say(f"  {line}")

    def _is_due(self, report: Report) -> bool:
        """Tell whether an epoch gets a line: all of a few, of many one in a while, and the last."""
        now, is_last = time.monotonic(), report.step == self._schedule.steps
        if self._schedule.epochs > MOST_LINES and now < self._next_line and not is_last:
            return False
        self._next_line = now + LINE_SECONDS
        return True

    def _short_status(self, report: Report) -> str:
        speed = report.rows / report.train_seconds if report.train_seconds > 0 else 0.0
        epoch = f"epoch {report.epoch}/{self._schedule.epochs}"
        return f"{epoch} it {report.step:,} loss {report.train_loss:.3f} {speed:,.0f}/s"

    def _status(self, report: Report) -> str:
        schedule = self._schedule
        digits, epoch_digits = len(f"{schedule.steps:,}"), len(str(schedule.epochs))
        parts = [
            f"epoch {report.epoch:{epoch_digits}}/{schedule.epochs}",
            f"iteration {report.step:{digits},}",
            f"train loss {report.train_loss:.4f}",
        ]
        if self._measured is not None:
            step, accuracy = self._measured
            parts.append(f"test accuracy {accuracy:.4f}" + ("" if step == report.step else f" (at {step:,})"))
        if report.train_seconds > 0:
            parts.append(f"{report.rows / report.train_seconds:,.0f} samples/s")
        return "  ".join(parts)


def show_summary(name: str, run_id: str | None, final: Mapping[str, float]) -> None:
    """Print the final metrics of a run."""
    accuracy = {split: final.get(schema.final_accuracy(split)) for split in ("train", "test", "val")}
    loss = {split: final.get(schema.final_loss(split)) for split in ("train", "test", "val")}
    total, training = final[schema.TOTAL_SECONDS], final[schema.TRAIN_SECONDS]
    if is_worker():
        say(f"{name}: test accuracy {accuracy['test']:.4f}   ({total:.1f} s)")
        return
    rows = {
        "test accuracy": f"{accuracy['test']:.4f}   (train {accuracy['train']:.4f})",
        "test loss": f"{loss['test']:.4f}   (train {loss['train']:.4f})",
    }
    if accuracy["val"] is not None:
        rows["val accuracy"] = f"{accuracy['val']:.4f}   (loss {loss['val']:.4f})"
    rows["time"] = f"{total:.1f} s   (training {training:.1f} s)"
    rows["run"] = run_id or "not in MLflow yet"
    say_rows(rows)


def show_next(tracked: Run) -> None:
    """Print where to see a run in MLflow, or what waits until MLflow answers."""
    if tracked.store is None or tracked.run_id is None or not tracked.is_sent:
        say(f"{tracked.waiting_values:,} values and the files of this run wait in {tracked.folder}; {SYNC}")
        return
    rows = {"page": tracked.store.run_page(tracked.run_id)}
    if command := tracked.store.ui_command():
        rows["served by"] = command
    say_rows(rows)

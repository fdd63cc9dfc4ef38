"""What a user sees while a network trains, and at the end.

In a terminal it is a progress bar, elsewhere one line per epoch; then a summary, and where to see the run.
"""

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType

from rich.console import Console

from mlplab import schema
from mlplab.place import Place
from mlplab.run.bar import Bar
from mlplab.terminal import count_of, is_worker, say, say_rows
from mlplab.tracking.run import Run
from mlplab.training.judge import Stop
from mlplab.training.loop import Report
from mlplab.training.schedule import Schedule
from mlplab.typed import say_how_to_go_on

log = logging.getLogger(__name__)

MOST_LINES = 100  # epochs that get a line each where there is no bar
LINE_SECONDS = 5.0  # between the lines of more
SYNC = "`python src/sync.py` sends them"


class Display:
    """Shows the reports of one run, as a context manager. In a launcher's worker it is silent: the sweep shows it."""

    def __init__(self, name: str, schedule: Schedule, done: int = 0, place: Place | None = None) -> None:
        """Prepare to show the run ``name``, which was resumed after ``done`` updates."""
        self._name, self._schedule, self._done = name, schedule, done
        self._silent = is_worker()
        console = Console()
        has_bar = console.is_terminal and not self._silent
        self._bar = Bar(console, name, schedule, done, place) if has_bar else None
        self._measured: tuple[int, float] | None = None  # step and test accuracy of a point that no line has shown
        self._accuracy: float | None = None
        self._next_line = 0.0

    def __enter__(self) -> "Display":
        if self._bar is not None:
            self._draw(self._bar.start)
        elif not self._silent:
            resumed = f", resumed after {self._done:,}" if self._done else ""
            say(f"{self._name}: {count_of(self._schedule.steps, 'iteration')}{resumed}")
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
            self._measured, self._accuracy = (report.step, accuracy), accuracy
        if self._bar is not None:
            self._draw(partial(self._bar.update, report, self._accuracy, waiting))
        if report.ends_epoch and self._is_due(report):
            line = self._status(report)
            self._measured = None
            log.info("%s %s", self._name, line)
            if self._bar is None and not self._silent:
                say(f"  {line}")

    def _is_due(self, report: Report) -> bool:
        """Tell whether an epoch gets a line: all of a few, of many one in a while, and the last."""
        now = time.monotonic()
        if self._schedule.epochs > MOST_LINES and now < self._next_line and not report.is_last:
            return False
        self._next_line = now + LINE_SECONDS
        return True

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


def show_summary(run_id: str | None, final: Mapping[str, float]) -> None:
    """Print the final metrics of a run; of a pruned one these are its times."""
    if is_worker():  # the sweep shows its members
        return
    total, training = final[schema.TOTAL_SECONDS], final[schema.TRAIN_SECONDS]
    rows = _quality(final) if schema.final_accuracy("test") in final else {}
    if schema.BEST_STEP in final:
        rows["kept"] = f"the network after iteration {final[schema.BEST_STEP]:,.0f}, the best by validation"
    rows["time"] = f"{total:.1f} s   (training {training:.1f} s)"
    rows["run"] = run_id or "not in MLflow yet"
    say_rows(rows)


def _quality(final: Mapping[str, float]) -> dict[str, str]:
    accuracy = {split: final.get(schema.final_accuracy(split)) for split in ("train", "test", "val")}
    loss = {split: final.get(schema.final_loss(split)) for split in ("train", "test", "val")}
    rows = {
        "test accuracy": f"{accuracy['test']:.4f}   (train {accuracy['train']:.4f})",
        "test loss": f"{loss['test']:.4f}   (train {loss['train']:.4f})",
    }
    if accuracy["val"] is not None:
        rows["val accuracy"] = f"{accuracy['val']:.4f}   (loss {loss['val']:.4f})"
    return rows


def show_early_end(name: str, stop: Stop) -> None:
    """Print why training has ended before its schedule."""
    line = f"{'pruned' if stop.pruned else 'stopped'} at iteration {stop.step:,}: {stop.reason}"
    log.info("%s %s", name, line)
    if not is_worker():
        say(f"  {line}")


def show_stop(tracked: Run, name: str, step: int, schedule: Schedule) -> None:
    """Print how far an interrupted run came, and how it goes on."""
    known = f"run {tracked.run_id}" if tracked.run_id else "not in MLflow yet"
    say_how_to_go_on(f"{name}: {step:,} of {schedule.steps:,} iterations are done ({known})")


def show_next(tracked: Run) -> None:
    """Print where to see a run in MLflow, or what waits until MLflow answers."""
    if tracked.store is None or tracked.run_id is None or not tracked.is_sent:
        say(f"{tracked.waiting_values:,} values and the files of this run wait in {tracked.folder}; {SYNC}")
        return
    rows = {"page": tracked.store.run_page(tracked.run_id)}
    if (command := tracked.store.ui_command()) and not tracked.store.is_served:
        rows["served by"] = command
    say_rows(rows)

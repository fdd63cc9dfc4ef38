"""The progress bar of a run, as wide as the terminal: what does not fit is left out, the least needed first."""

import time

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column

from mlplab.place import Place
from mlplab.training.loop import Report
from mlplab.training.schedule import Schedule

REFRESH_SECONDS = 0.1
_SHORTEST, _LONGEST = 5, 18  # characters of the bar, and of the run's name


class Bar:
    """The bar of one run. A terminal that has gone ends it, and nothing but it."""

    def __init__(self, console: Console, name: str, schedule: Schedule, done: int, place: Place | None) -> None:
        """Prepare the bar of a run that begins after ``done`` updates."""
        self._schedule, self._done, self._place = schedule, done, place
        title = name if place is None else f"run {place.number} of {place.total} {name}"
        longest = min(_LONGEST if place is None else _LONGEST + 4, console.width // 3)
        self._room = console.width - min(cell_len(title), longest) - _SHORTEST - 2
        columns = (
            TextColumn("{task.description}", markup=False, table_column=Column(max_width=longest, no_wrap=True)),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[status]}", markup=False, table_column=Column(no_wrap=True)),
        )
        # No thread of rich's own refreshes it: an error of a terminal that has gone must come up here.
        self._progress = Progress(*columns, console=console, auto_refresh=False, expand=True)
        self._task = self._progress.add_task(title, total=schedule.steps, completed=done, status="")
        self._start = time.monotonic()
        self._next_refresh = 0.0

    def start(self) -> None:
        """Show it. Raises OSError: the terminal has gone."""
        self._progress.start()

    def stop(self) -> None:
        """Leave it as it is. Raises OSError: the terminal has gone."""
        self._progress.refresh()
        self._progress.stop()

    def update(self, report: Report, accuracy: float | None, waiting: int | None) -> None:
        """Show a report, the last test accuracy, and how many values wait for a store that is away.

        Raises:
            OSError: the terminal has gone.
        """
        if time.monotonic() >= self._next_refresh or report.is_last:
            self._next_refresh = time.monotonic() + REFRESH_SECONDS
            away = None if waiting is None else f"server away, {waiting:,} values wait"
            status = away or self._status(report, accuracy)
            self._progress.update(self._task, completed=report.step, status=status, refresh=True)

    def _status(self, report: Report, accuracy: float | None) -> str:
        """Return what fits beside the bar; the number of a part says how early it is left out."""
        share = (report.step - self._done) / (self._schedule.steps - self._done)
        own_left = (time.monotonic() - self._start) / share * (1 - share)
        sweep_left = None if self._place is None else self._place.seconds_left(share)
        parts = [
            (0, f"epoch {report.epoch}/{self._schedule.epochs}"),
            (5, f"it {report.step:,}"),
            (1, f"loss {report.train_loss:.3f}"),
            (2, "" if accuracy is None else f"acc {accuracy:.3f}"),
            (4, f"{report.rows / report.train_seconds:,.0f}/s" if report.train_seconds > 0 else ""),
            (0 if self._place is None else 3, f"{clock(own_left)} left"),
            (0, "" if sweep_left is None else f"sweep {clock(sweep_left)} left"),
        ]
        return join_fitting([(rank, text) for rank, text in parts if text], self._room)


def join_fitting(parts: list[tuple[int, str]], room: int) -> str:
    """Return the texts that fit into ``room`` columns together; of the others the highest numbers are left out.

    >>> join_fitting([(0, "epoch 1/3"), (2, "it 20"), (1, "loss 0.5")], 20)
    'epoch 1/3 loss 0.5'
    """
    kept = list(parts)
    while kept and len(text := " ".join(text for _, text in kept)) > room:
        kept.remove(max(kept, key=lambda part: part[0]))
    return text if kept else ""


def clock(seconds: float) -> str:
    """Return a duration as a clock shows it.

    >>> clock(72), clock(4000)
    ('01:12', '1:06:40')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"

"""The progress of a migration: a bar with the time left in a terminal, elsewhere a line at the beginning."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mlplab.terminal import count_of, say


@contextmanager
def showing(runs: int) -> Iterator[Callable[[int], None]]:
    """Show how many of the runs are copied; the block is given a function to call with a number of copied runs."""
    console = Console()
    if not console.is_terminal:
        say(f"{count_of(runs, 'run')} to copy")
        yield lambda _: None
        return
    columns = (TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # No thread of rich's own refreshes it: an error of a terminal that has gone must come up here.
    progress = Progress(*columns, console=console, auto_refresh=False, transient=True)
    task = progress.add_task("runs", total=runs)

    def advance(number: int) -> None:
        with suppress(OSError):  # the terminal has gone: the work goes on
            progress.update(task, advance=number, refresh=True)

    with suppress(OSError):
        progress.start()
    try:
        yield advance
    finally:
        with suppress(OSError):
            progress.stop()

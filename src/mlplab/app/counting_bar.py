"""How far a command is: a bar with the time left in a terminal, elsewhere a line at the beginning."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mlplab.terminal import count_of, say


@contextmanager
def showing(total: int | None, thing: str, purpose: str) -> Iterator[Callable[[int], None]]:
    """Show how many things are done; the block is given a function to call with a number of those done since.

    Args:
        total: of the things; None where it is not known.
        thing: what is counted, in the singular.
        purpose: what is done with each, as after "to".
    """
    console = Console()
    if not console.is_terminal:
        if total is not None:
            say(f"{count_of(total, thing)} to {purpose}")
        yield lambda _: None
        return
    columns = (TextColumn(f"{thing}s"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # No thread of rich's own refreshes it: an error of a terminal that has gone must come up here.
    progress = Progress(*columns, console=console, auto_refresh=False, transient=True)
    task = progress.add_task(thing, total=total)

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

"""Text for people: lines, tables, durations."""

import io
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from rich.box import ASCII, HEAVY_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

WIDTH_WITHOUT_TERMINAL = 160


def say(line: str) -> None:
    """Print a line at once. Where it cannot be written (``| head``, a full disk), the work goes on in silence."""
    try:
        print(_encodable(line), flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say_on_stderr(line: str) -> None:
    """Print a line on standard error, if it can be written."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def _encodable(line: str) -> str:
    """Return the line in characters that the terminal has."""
    encoding = _encoding()
    try:
        line.encode(encoding)
    except UnicodeEncodeError:
        return line.replace("±", "+-").encode(encoding, errors="replace").decode(encoding)
    return line


def _encoding() -> str:
    return getattr(sys.stdout, "encoding", None) or "utf-8"


def say_rows(rows: Mapping[str, str]) -> None:
    """Print labels and texts in two columns."""
    for label, text in rows.items():
        say(f"  {label:<14} {text}")


def is_worker() -> bool:
    """Tell whether this process is one of a launcher's workers."""
    return multiprocessing.parent_process() is not None


def draw_table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> str:
    """Return a ruled table, at most ``width`` columns wide: by default as wide as the terminal, else 160."""
    box = HEAVY_HEAD if _encoding().lower().startswith("utf") else ASCII
    table = Table(*map(escape, header), box=box)
    for row in rows:
        table.add_row(*(escape(_encodable(cell)) for cell in row))
    text = io.StringIO()
    # In a notebook rich would show the table there, instead of writing it.
    Console(file=text, width=width or width_of_output(), highlight=False, force_jupyter=False).print(table)
    return text.getvalue().rstrip("\n")


def width_of_output() -> int:
    """Return how many columns a line may have."""
    console = Console()
    return console.width if console.is_terminal else WIDTH_WITHOUT_TERMINAL


def table_width(header: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Return how many columns a table needs to show every cell on one line."""
    return sum(max(map(cell_len, column)) + 3 for column in zip(header, *rows, strict=True)) + 1


def count_of(number: int, what: str) -> str:
    """Return a number of things, in the singular or the plural.

    >>> count_of(1, "run"), count_of(1_200, "run")
    ('1 run', '1,200 runs')
    """
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def has_or_have(number: int) -> str:
    """Return the verb after :func:`count_of`."""
    return "has" if number == 1 else "have"


def format_duration(seconds: float) -> str:
    """Return a duration in the unit that a person would use.

    >>> [format_duration(seconds) for seconds in (8.2, 240, 9000)]
    ['8 s', '4 min', '2.5 h']
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

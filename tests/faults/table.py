"""What the trials found, one row per fault, as text and as Markdown."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
HEADER = ("fault", "tried", "survived", "points lost", "points twice", "runs too many", "training stood still")


@dataclass
class Row:
    """The trials of one fault.

    Attributes:
        fault: what was done.
        tried: how many trials.
        survived: after how many of them the store had what an undisturbed command leaves, each thing once.
        lost: points that the stores lacked.
        twice: points that they had more often than once.
        ghosts: runs that nobody began.
        still: the longest time, in seconds, that training stood still; None where that was not measured.
    """

    fault: str
    tried: int = 0
    survived: int = 0
    lost: int = 0
    twice: int = 0
    ghosts: int = 0
    still: float | None = None

    def add(self, other: "Row") -> None:
        for name in ("tried", "survived", "lost", "twice", "ghosts"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        times = [time for time in (self.still, other.still) if time is not None]
        self.still = max(times, default=None)

    def cells(self) -> tuple[str, ...]:
        still = "" if self.still is None else f"{self.still:.1f} s"
        counts = (self.tried, self.survived, self.lost, self.twice, self.ghosts)
        return (self.fault, *(f"{count:,}" for count in counts), still)


def merged(rows: Iterable[Row]) -> list[Row]:
    """Return one row per fault, in the order of their names."""
    by_fault: dict[str, Row] = {}
    for row in rows:
        by_fault.setdefault(row.fault, Row(row.fault)).add(row)
    return [by_fault[fault] for fault in sorted(by_fault)]


def with_total(rows: Sequence[Row]) -> list[Row]:
    total = Row("all")
    for row in rows:
        total.add(row)
    return [*rows, total]


def as_text(rows: Sequence[Row]) -> list[str]:
    lines = [HEADER, *(row.cells() for row in with_total(rows))]
    first, *others = (max(map(len, column)) for column in zip(*lines, strict=True))
    return [
        "  ".join([name.ljust(first), *(cell.rjust(width) for cell, width in zip(cells, others, strict=True))])
        for name, *cells in lines
    ]


def as_markdown(rows: Sequence[Row]) -> str:
    lines = [HEADER, ("---", *["---:"] * (len(HEADER) - 1)), *(row.cells() for row in with_total(rows))]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_between_marks(file: Path, text: str) -> None:
    """Replace what stands between the two marks of a Markdown file."""
    before = file.read_text(encoding="utf-8")
    after, count = re.subn(
        f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: f"{BEGIN}\n\n{text}\n\n{END}", before, count=1, flags=re.S
    )
    assert count, f"{file}: has no line {BEGIN}"
    file.write_text(after, encoding="utf-8")

"""The progress bar uses the width that it has, and leaves out the least needed first."""

import io
import re
import time

import pytest
from rich.console import Console

from mlplab.place import Place
from mlplab.run.bar import Bar, clock, join_fitting
from mlplab.training.loop import Report
from mlplab.training.schedule import Schedule

SCHEDULE = Schedule(60_000, 64, 14_070, 0.1, 1.0)


def drawn(width: int, in_sweep: bool, waiting: int | None = None) -> str:
    """Return the last line of a bar that is as wide as the terminal."""
    out = io.StringIO()
    console = Console(file=out, width=width, height=20, force_terminal=True, color_system=None, legacy_windows=False)
    place = Place(2, 3, 1, 3, time.monotonic() - 60) if in_sweep else None
    bar = Bar(console, "relu sgd lr=0.1", SCHEDULE, 0, place)
    bar.start()
    report = Report(7_035, 8, 12_800, ends_epoch=True, train_loss=0.4512, metrics={}, train_seconds=0.4)
    bar.update(report, 0.9512, waiting)
    bar.stop()
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.getvalue())
    lines = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
    assert all(len(line) <= width for line in lines)
    return lines[-1].rstrip()


@pytest.mark.parametrize(
    ("width", "in_sweep", "parts"),
    [
        (80, False, ["epoch 8/15", "loss 0.451", "acc 0.951", "00:00 left"]),
        (80, True, ["run 2 of 3 relu", "epoch 8/15", "loss 0.451", "acc 0.951", "sweep 01:00 left"]),
        (
            140,
            True,
            ["run 2 of 3 relu sgd", "it 7,035", "acc 0.951", "32,000/s", "00:00 left", "sweep 01:00 left"],
        ),
    ],
)
def test_what_fits_is_shown(width: int, in_sweep: bool, parts: list[str]) -> None:
    line = drawn(width, in_sweep)
    assert [part for part in parts if part not in line] == []
    assert len(line) == width


def test_forty_columns_still_show_epoch_and_time_left() -> None:
    assert "epoch 8/15" in drawn(48, False)


def test_values_that_wait_for_a_server_take_the_place_of_the_numbers() -> None:
    line = drawn(80, True, waiting=1_200)
    assert "server away, 1,200 values wait" in line
    assert "loss" not in line


def test_the_least_needed_parts_are_left_out_first() -> None:
    parts = [(0, "aa"), (2, "bb"), (1, "cc")]
    assert [join_fitting(parts, room) for room in (8, 7, 5, 2, 1)] == ["aa bb cc", "aa cc", "aa cc", "aa", ""]


def test_durations_read_like_a_clock() -> None:
    assert [clock(seconds) for seconds in (0.4, 72, 3_599.6, 4_000)] == ["00:00", "01:12", "1:00:00", "1:06:40"]

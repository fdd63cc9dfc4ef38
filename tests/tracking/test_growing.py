"""A journal is read on from where the last reading ended."""

from pathlib import Path

from mlplab.tracking.growing import GrowingJournal
from mlplab.tracking.journal import NAME
from mlplab.tracking.records import End, Points, to_line


def test_only_what_was_appended_is_read_and_never_half_a_line(tmp_path: Path) -> None:
    journal, file = GrowingJournal(tmp_path), tmp_path / NAME
    assert journal.new_records() == []
    first, second = Points(10, 0, {"train/loss": 2.0}), Points(20, 0, {"train/loss": float("nan")})
    half = to_line(second) + "\n"
    file.write_text(to_line(first) + "\n" + half[:20])
    assert journal.new_records() == [first]
    assert journal.new_records() == []
    with file.open("a") as appended:
        appended.write(half[20:])
    (read,) = journal.new_records()
    assert isinstance(read, Points)
    assert read.step == 20


def test_another_journal_in_its_place_is_read_from_its_beginning(tmp_path: Path) -> None:
    journal, file = GrowingJournal(tmp_path), tmp_path / NAME
    file.write_text(to_line(End("FAILED", 1)) + "\n")
    assert len(journal.new_records()) == 1
    file.rename(tmp_path / "aside")
    file.write_text((to_line(End("FINISHED", 1)) + "\n") * 2)
    assert journal.new_records() == [End("FINISHED", 1)] * 2

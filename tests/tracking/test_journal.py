"""A journal keeps every record, whatever ends the process; half a line at its end is none."""

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplab.errors import JournalError
from mlplab.tracking.claim import Claim, is_claimed
from mlplab.tracking.journal import NAME, Journal, read_records
from mlplab.tracking.records import Begin, Created, End, Params, Points, Record, Sent, from_line, to_line

BEGIN = Begin("key", "sqlite:///x", "lab", "name", {}, 1)


def opened(folder: Path) -> Journal:
    folder.mkdir(exist_ok=True)
    claim = Claim.take(folder)
    assert claim is not None
    return Journal(folder, claim)


st.register_type_strategy(object, st.none() | st.integers() | st.text())  # what a JSON value may be, inside Input


@given(st.sampled_from(get_args(Record)).flatmap(st.from_type))
def test_every_kind_of_record_is_read_as_it_was_written(record: Record) -> None:
    read = from_line(to_line(record))
    assert repr(read) == repr(record)  # nan differs from itself


def test_what_was_appended_is_there_and_pending_when_it_is_opened_again(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    for record in (BEGIN, Params({"seed": "0"}), Points(200, 2, {"loss": 1.0})):
        journal.append(record)
    journal.mark_created("id")
    journal.mark_sent(2)
    journal.close()
    again = opened(tmp_path)
    assert list(again.pending) == [Points(200, 2, {"loss": 1.0})]
    assert (again.run_id, again.waiting_values, again.is_open) == ("id", 1, True)


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_half_a_line_at_the_end_is_passed_over_and_written_over(tmp_path: Path, cut: int) -> None:
    journal = opened(tmp_path)
    journal.append(BEGIN)
    journal.append(Points(200, 2, {"loss": 1.0}))
    journal.close()
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes()[:-cut])
    journal = opened(tmp_path)
    journal.append(End("KILLED", 3))
    journal.close()
    assert list(read_records(path)) == [BEGIN, End("KILLED", 3)]


@pytest.mark.parametrize("text", ["no json", "[1]", '{"op": "nothing"}', '{"op": "sent"}', '{"op": "sent", "x": 1}'])
def test_a_damaged_line_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(f"{to_line(BEGIN)}\n{text}\n")
    with pytest.raises(JournalError, match=rf"{NAME}: line 2: .*move the file away"):
        opened(tmp_path)


def test_a_store_that_is_gone_gets_everything_again(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.append(BEGIN)
    journal.mark_created("former")
    journal.mark_sent(1)
    journal.forget_store()
    assert list(journal.pending) == [BEGIN]
    journal.mark_created("new")
    journal.mark_sent(1)
    journal.close()
    assert list(read_records(tmp_path / NAME))[-2:] == [Created("new"), Sent(1)]
    assert opened(tmp_path).run_id == "new"


def test_a_full_disk_costs_no_record_once_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = opened(tmp_path)
    journal.append(BEGIN)
    write = os.pwrite

    def write_half(file: int, data: bytes, offset: int) -> int:
        write(file, data[: len(data) // 2], offset)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", write_half)
    journal.append(Points(200, 2, {"loss": 1.0}))
    assert journal.unwritten_bytes > 0
    assert journal.waiting_values == 1
    monkeypatch.setattr(os, "pwrite", write)
    journal.append(End("FINISHED", 3))
    assert journal.unwritten_bytes == 0
    journal.close()
    assert list(read_records(tmp_path / NAME)) == [BEGIN, Points(200, 2, {"loss": 1.0}), End("FINISHED", 3)]


def test_the_claim_of_a_process_that_is_killed_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from mlplab.tracking.claim import Claim; "
        "claim = Claim.take(pathlib.Path(sys.argv[1])); print(claim is not None, flush=True); input()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "True\n"
    assert is_claimed(tmp_path)
    assert Claim.take(tmp_path, patience=0) is None
    child.kill()
    child.communicate()
    assert not is_claimed(tmp_path)

"""How far the members of a parallel sweep are, by their journals alone."""

from pathlib import Path

import pytest

from mlplab.schema import State
from mlplab.sweeps.countdown import describe_member
from mlplab.sweeps.following import FollowedMembers
from mlplab.sweeps.manifest import FrozenJob
from mlplab.tracking.journal import NAME
from mlplab.tracking.records import Begin, End, Input, Points, Record, to_line

CONFIG = {"batch_size": 50, "epochs": 2, "iterations": None}
BEGIN = Begin("key", "", "mlplab", "relu", {}, 0)
INPUT = Input("digits", "d", "local", {}, {"train": 1437, "test": 360})
FINISHED = End("FINISHED", 9, "", {"final/test_accuracy": 0.91, "final/train_loss": 0.2, "time/total_seconds": 3.5})


def followed(folder: Path, *numbers: int, **config: object) -> FollowedMembers:
    jobs = [FrozenJob(number, f"job {number}", {}, {**CONFIG, **config}) for number in numbers]
    return FollowedMembers(folder, jobs)


def write(folder: Path, number: int, *records: Record) -> None:
    (folder / str(number)).mkdir(exist_ok=True)
    with (folder / str(number) / NAME).open("a") as file:
        file.writelines(to_line(record) + "\n" for record in records)


def test_a_member_is_new_then_running_then_finished(tmp_path: Path) -> None:
    members = followed(tmp_path, 0, 1)
    first = members.members[0]
    assert (first.state, first.epoch, first.loss, members.share) == (State.new, "", None, 0.0)
    write(tmp_path, 0, BEGIN, INPUT, Points(29, 1, {"train/loss": 2.0}), Points(30, 1, {"test/accuracy": 0.5}))
    members.read()
    assert (first.state, first.epoch, first.loss, first.accuracy) == (State.running, "2/2", 2.0, 0.5)
    assert members.share == 30 / 58 / 2
    write(tmp_path, 0, Points(0, 1, {"final/test_accuracy": 0.91}), FINISHED)
    members.read()
    assert (first.state, first.accuracy, first.loss, first.seconds) == (State.finished, 0.91, 0.2, 3.5)
    assert members.share == 0.5


def test_iterations_count_instead_of_epochs_where_they_are_given(tmp_path: Path) -> None:
    members = followed(tmp_path, 0, iterations=100)
    write(tmp_path, 0, BEGIN, INPUT, Points(50, 1, {}))
    members.read()
    assert (members.members[0].epoch, members.share) == ("2/4", 0.5)


def test_what_failed_before_the_launch_is_new_until_it_begins_again(tmp_path: Path) -> None:
    write(tmp_path, 0, BEGIN, INPUT, End("FAILED", 9, "learning_rate=9: too much"))
    members = followed(tmp_path, 0)
    assert members.members[0].state is State.new
    write(tmp_path, 0, BEGIN)
    members.read()
    assert members.members[0].state is State.running


def test_a_damaged_journal_hides_no_other_member(tmp_path: Path) -> None:
    members = followed(tmp_path, 0, 1)
    write(tmp_path, 1, BEGIN)
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / NAME).write_text("no record\n")
    members.read()
    assert [member.state for member in members.members] == [State.new, State.running]


@pytest.mark.parametrize("state", State)
def test_what_is_done_or_has_failed_has_ended(tmp_path: Path, state: State) -> None:
    member = followed(tmp_path, 0).members[0]
    member.state = state
    assert member.has_ended == (state.is_done or state is State.failed)


def test_a_member_that_was_pruned_has_ended(tmp_path: Path) -> None:
    members = followed(tmp_path, 0)
    end = End("FINISHED", 9, "", {"time/total_seconds": 1.5}, pruned=True)
    write(tmp_path, 0, BEGIN, INPUT, Points(30, 1, {"test/accuracy": 0.5}), end)
    members.read()
    (member,) = members.members
    assert (member.state, member.share, member.seconds) == (State.pruned, 1.0, 1.5)
    assert describe_member(member) == "job 0: pruned at iteration 30 (1.5 s)"

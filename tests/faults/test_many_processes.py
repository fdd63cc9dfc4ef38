"""Processes that start together where no store is; workers whose parent is killed."""

import signal
from collections.abc import Callable

import psutil
import pytest

from conftest import Project
from faults.commands import EPOCHS, UNITS, Moment, train
from faults.table import Row
from faults.trials import Place, Undisturbed, judge, statuses

TOGETHER = 16
LONGEST_END = 60.0  # seconds that workers may take to see that their parent is gone


@pytest.mark.timeout(900)
def test_processes_that_start_together_make_one_store(
    empty_project: Project, undisturbed: Callable[[str], Undisturbed], tally: Callable[[str], Row]
) -> None:
    expected, row = undisturbed("run").runs, tally(f"{TOGETHER} processes at once, and no store")
    place = Place(empty_project, empty_project.uri, "together")
    commands = [train(empty_project, *place.typed(UNITS["run"].typed)) for _ in range(TOGETHER)]
    faults = statuses({f"process {number}": (command, 0) for number, command in enumerate(commands)})
    reasons = judge(row, expected * TOGETHER, place.kept(), faults)
    folders = list((empty_project.root / "outputs").glob("*/*"))
    reasons += [] if len(folders) == TOGETHER else [f"{len(folders)} output folders"]
    row.tried, row.survived = TOGETHER, TOGETHER - len(faults)
    assert not reasons


@pytest.mark.timeout(900)
def test_workers_end_when_their_parent_is_killed(
    fresh_project: Project, undisturbed: Callable[[str], Undisturbed], tally: Callable[[str], Row]
) -> None:
    row = tally("parent of a joblib sweep killed, then resume=true")
    place = Place(fresh_project, fresh_project.uri, "parent")
    typed = place.typed(UNITS["joblib sweep"].typed)
    command = train(fresh_project, *typed)
    command.wait_for(Moment("1", EPOCHS // 4))
    workers = command.family()
    assert workers
    command.process.send_signal(signal.SIGKILL)
    command.wait()
    _, alive = psutil.wait_procs(workers, timeout=LONGEST_END)
    faults = [f"goes on: {' '.join(process.cmdline())}" for process in alive]
    faults += statuses({"resume": (train(fresh_project, *typed, "resume=true"), 0)})
    reasons = judge(row, undisturbed("joblib sweep").runs, place.kept(), faults)
    assert not reasons

"""Ctrl-C, pressed once, ends a command within seconds although its server hangs."""

import os
import signal
import time
from collections.abc import Callable

import pytest

from conftest import Project
from faults.commands import EPOCHS, LONG, UNITS, Moment, train
from faults.links import Link
from faults.table import Row
from faults.trials import Place, Undisturbed, judge, send_rest, statuses

MOST_SECONDS = 10.0  # twice what is promised: a busy machine adds its own
MIDDLE = {"run": Moment("", EPOCHS // 4), "sweep": Moment("0", EPOCHS // 4), "joblib sweep": Moment("1", EPOCHS // 4)}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("way", ["SIGSTOP", "hanging answers"] if LONG else ["SIGSTOP"])
@pytest.mark.parametrize("unit", MIDDLE)
def test_ctrl_c_ends_a_command_whose_server_hangs(
    unit: str, way: str, sqlite_link: Link, empty_project: Project,
    undisturbed: Callable[[str], Undisturbed], tally: Callable[[str], Row],
) -> None:  # fmt: skip
    row = tally("Ctrl-C while the server hangs, then resume=true")
    place = Place(empty_project, sqlite_link.uri(way), f"hangs {empty_project.root.name}", sqlite_link.server.uri)
    typed = place.typed(UNITS[unit].typed)
    command = train(empty_project, *typed)
    command.wait_for(MIDDLE[unit])
    with sqlite_link.away(way):
        pressed = time.monotonic()
        os.killpg(command.process.pid, signal.SIGINT)  # as a terminal does: the workers get it, too
        faults = statuses({unit: (command, 128 + signal.SIGINT)})
        took = time.monotonic() - pressed
    faults += [command.text] if "Traceback" in command.err else []
    faults += [f"took {took:.1f} s to end"] if took > MOST_SECONDS else []
    faults += send_rest(empty_project)
    faults += [f"{run.name} is {run.status}" for run in place.kept() if run.status not in ("KILLED", "FINISHED")]
    faults += statuses({"resume": (train(empty_project, *typed, "resume=true"), 0)})
    reasons = judge(row, undisturbed(unit).runs, place.kept(), faults)
    assert not reasons

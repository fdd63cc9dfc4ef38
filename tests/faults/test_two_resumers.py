"""Two people type resume=true at once, after a kill -9: each job is done by one of them."""

import re
import time
from collections.abc import Callable

import pytest

from conftest import Project
from faults.commands import LONG, UNITS, Command, Moment, train
from faults.table import Row
from faults.trials import Place, Undisturbed, judge

APART = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5) if LONG else (0.0, 0.2, 0.5)  # seconds
HALF = {"run": Moment("", 20), "sweep": Moment("1", 20), "joblib sweep": Moment("1", 20)}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("apart", APART)
@pytest.mark.parametrize("unit", HALF if LONG else ["run", "sweep"])
def test_two_resumers_do_each_job_once(
    unit: str, apart: float, fresh_project: Project,
    undisturbed: Callable[[str], Undisturbed], tally: Callable[[str], Row],
) -> None:  # fmt: skip
    row = tally(f"two resumers of a {unit}")
    place = Place(fresh_project, fresh_project.uri, "two resumers")
    typed = place.typed(UNITS[unit].typed)
    first = train(fresh_project, *typed)
    first.wait_for(HALF[unit])
    first.kill()
    one = train(fresh_project, *typed, "resume=true")
    time.sleep(apart)
    other = train(fresh_project, *typed, "resume=true")
    faults = refusals(one, other)
    reasons = judge(row, undisturbed(unit).runs, place.kept(), faults)
    assert not reasons


def refusals(*commands: Command) -> list[str]:
    """Return what is wrong with how two commands ended: one carries it out, the other, too, or says who has it."""
    faults = [] if 0 in [command.wait() for command in commands] else ["neither of them has finished"]
    for command in commands:
        if command.wait() == 0:
            continue
        lines = command.err.splitlines()
        named = len(lines) == 1 and re.match(r"ERROR: .*process \d+", lines[0])
        if command.wait() != 1 or not named:
            faults.append(f"not one message that names the process: {command.text}")
    return faults

"""Outages: all of them with FAULTS=long, else a few in which each way, unit and moment occurs."""

import random
import time
from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

from conftest import Project
from faults.commands import LONG, UNITS, train
from faults.links import Link
from faults.stores import standstill
from faults.table import Row
from faults.trials import Place, Undisturbed, judge, send_rest, statuses

SECONDS = (1, 10, 60)
MOMENTS = ("start", "middle", "end")
BACKENDS = ("SQLite", "PostgreSQL")
MOST_STILL = 10.0  # seconds, twice what is promised: a busy machine adds its own; the table has what was measured
FEW_SECONDS = (1, 1, 10, 1, 10, 60)  # the short set has more of what takes less time


class Outage(NamedTuple):
    """The server is away in this way, for so long, from this moment of a unit on."""

    way: str
    seconds: int
    moment: str
    unit: str
    backend: str


def choose(ways: Sequence[str], count: int, seed: int) -> list[Outage]:
    """Return all outages in these ways in the long set, and so many of them in the short one."""
    if LONG:
        return [Outage(*values) for values in product(ways, SECONDS, MOMENTS, UNITS, BACKENDS)]
    rng = random.Random(seed)
    columns = [list(values) for values in (ways, FEW_SECONDS, MOMENTS, UNITS, BACKENDS)]
    # Each value of a column occurs equally often; which of them meet is left to chance.
    dealt = [(values * count)[:count] for values in columns]
    for values in dealt[1:]:
        rng.shuffle(values)
    return [Outage(*values) for values in zip(*dealt, strict=True)]


def survive(
    outage: Outage, link: Link, project: Project, undisturbed: Undisturbed, tally: Callable[[str], Row]
) -> None:
    """Try an outage: the command ends in order, training goes on, and the store is complete once it is back."""
    unit, row = UNITS[outage.unit], tally(f"server away: {outage.way}")
    place = Place(project, link.uri(outage.way), f"outage {project.root.name}", link.server.uri)
    moment = unit.moments[outage.moment]
    if moment is None:
        with link.away(outage.way):
            command = train(project, *place.typed(unit.typed))
            command.wait_until(command.has_begun)
            time.sleep(outage.seconds)
    else:
        command = train(project, *place.typed(unit.typed))
        command.wait_for(moment)
        with link.away(outage.way):
            time.sleep(outage.seconds)
    faults = statuses({outage.unit: (command, 0)}) + send_rest(project)
    found = place.kept()
    reasons = judge(row, undisturbed.runs, found, faults)
    row.still = still = standstill(undisturbed.runs, found, unit.in_turn)
    if still > MOST_STILL:
        reasons.append(f"training stood still for {still:.1f} s")
    assert not reasons, f"{outage}: {reasons}"

"""The server is there, but what lies between drops connections, delays answers, cuts them, or says 500."""

from collections.abc import Callable

import pytest

from conftest import Project
from faults.commands import LONG, UNITS, train
from faults.links import BY_PROXY, Link
from faults.outages import Outage, choose, survive
from faults.proxy import Request
from faults.table import Row
from faults.trials import Place, Undisturbed, judge, send_rest, statuses

WRITES = ("POST", "PUT", "PATCH")
ANSWERS = range(1, 41) if LONG else (1, 2, 3, 5, 8)


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize(("way", "seconds", "moment", "unit", "backend"), choose(tuple(BY_PROXY), 8, seed=6))
def test_a_network_that_breaks_costs_nothing(
    way: str, seconds: int, moment: str, unit: str, backend: str, link: Link, empty_project: Project,
    undisturbed: Callable[[str], Undisturbed], tally: Callable[[str], Row],
) -> None:  # fmt: skip
    survive(Outage(way, seconds, moment, unit, backend), link, empty_project, undisturbed(unit), tally)


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("backend", ["SQLite"])
@pytest.mark.parametrize("unit", ["run", "sweep"])
def test_a_creation_whose_answer_is_lost_leaves_no_twin(
    unit: str, link: Link, empty_project: Project,
    undisturbed: Callable[[str], Undisturbed], tally: Callable[[str], Row],
) -> None:  # fmt: skip
    lose(
        lambda request: request.path.endswith("runs/create"), "creation", unit, link, empty_project, undisturbed, tally
    )


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("backend", ["SQLite"])
@pytest.mark.parametrize("number", ANSWERS)
def test_a_write_whose_answer_is_lost_is_made_once(
    number: int, link: Link, empty_project: Project,
    undisturbed: Callable[[str], Undisturbed], tally: Callable[[str], Row],
) -> None:  # fmt: skip
    seen = 0

    def is_asked(request: Request) -> bool:
        nonlocal seen
        seen += request.method in WRITES and not request.path.endswith("search")
        return seen == number

    lose(is_asked, "write", "run", link, empty_project, undisturbed, tally)


def lose(
    is_asked: Callable[[Request], bool], what: str, unit: str, link: Link, project: Project,
    undisturbed: Callable[[str], Undisturbed], tally: Callable[[str], Row],
) -> None:  # fmt: skip
    expected, row = undisturbed(unit).runs, tally(f"answer of a {what} lost")
    place = Place(project, link.proxy.uri, f"lost answer {project.root.name}", link.server.uri)
    link.proxy.lose_answer(is_asked)
    command = train(project, *place.typed(UNITS[unit].typed))
    faults = statuses({unit: (command, 0)})
    if not LONG:
        assert link.proxy.has_lost(), "the answer was never asked for"
    link.proxy.lose_answer(lambda _: False)
    faults += send_rest(project)
    reasons = judge(row, expected, place.kept(), faults)
    assert not reasons

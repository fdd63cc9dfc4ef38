"""The server is killed or stopped, and comes back."""

from collections.abc import Callable

import pytest

from conftest import Project
from faults.links import BY_SERVER, Link
from faults.outages import Outage, choose, survive
from faults.table import Row
from faults.trials import Undisturbed


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize(("way", "seconds", "moment", "unit", "backend"), choose(BY_SERVER, 6, seed=6))
def test_a_server_that_goes_away_costs_nothing(
    way: str, seconds: int, moment: str, unit: str, backend: str, link: Link, empty_project: Project,
    undisturbed: Callable[[str], Undisturbed], tally: Callable[[str], Row],
) -> None:  # fmt: skip
    survive(Outage(way, seconds, moment, unit, backend), link, empty_project, undisturbed(unit), tally)

"""Options, fixtures and the table of the fault-injection suite."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from conftest import Project, copy_project
from faults import table
from faults.commands import UNITS, train
from faults.links import Link, linked
from faults.servers import postgresql
from faults.table import Row
from faults.trials import Place, Undisturbed
from mlplab.app.postgresql import find_programs

PROPERTY = "faults"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--table", type=Path, help="write the table between the marks of this Markdown file")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    rows = table.merged(
        Row(**stored)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "teardown"
        for name, stored in report.user_properties
        if name == PROPERTY
    )
    if not rows:
        return
    terminalreporter.section("faults")
    for line in table.as_text(rows):
        terminalreporter.write_line(line)
    if file := config.getoption("--table"):
        table.write_between_marks(file, table.as_markdown(rows))


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Row]]:
    """A function that begins a trial of a fault: a row of the table, in which it has not survived yet."""
    rows: list[Row] = []

    def begin(fault: str) -> Row:
        rows.append(Row(fault, tried=1))
        return rows[-1]

    yield begin
    # The report of the test's end carries them to the process that prints the table.
    request.node.user_properties += [(PROPERTY, asdict(row)) for row in rows]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Callable[[str], Undisturbed]:
    """A function that returns what a unit leaves in a local store; the command runs once."""
    known: dict[str, Undisturbed] = {}

    def carry_out(unit: str) -> Undisturbed:
        if unit not in known:
            root = tmp_path_factory.mktemp("undisturbed")
            shutil.copy(empty_store, root)
            place = Place(copy_project(root), f"sqlite:///{root / 'mlflow.db'}", "undisturbed")
            command = train(place.project, *place.typed(UNITS[unit].typed))
            assert command.wait() == 0, command.text
            known[unit] = Undisturbed(place.project, place.kept())
        return known[unit]

    return carry_out


@pytest.fixture
def empty_project(tmp_path: Path) -> Project:
    """A fresh copy of the project without any store."""
    return copy_project(tmp_path)


@pytest.fixture(scope="session")
def sqlite_link(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Link]:
    """A server on SQLite."""
    folder = tmp_path_factory.mktemp("server")
    with linked(folder, "SQLite", f"sqlite:///{folder / 'server.db'}") as link:
        yield link


@pytest.fixture(scope="session")
def postgresql_link(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Link]:
    """A server on PostgreSQL."""
    programs = find_programs()
    if programs is None:
        assert "CI" not in os.environ, "continuous integration must test PostgreSQL: install it"
        pytest.skip("PostgreSQL is not on this machine: install it to test a server on it")
    with postgresql(programs) as database, linked(tmp_path_factory.mktemp("server"), "PostgreSQL", database) as link:
        yield link


@pytest.fixture
def link(request: pytest.FixtureRequest, backend: str) -> Link:
    """The server on the test's ``backend``."""
    chosen: Link = request.getfixturevalue(f"{backend.lower()}_link")
    return chosen

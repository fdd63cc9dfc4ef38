"""Every command line works, or ends with one message of at most four lines; see invariant.py."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings

from conftest import Project, copy_project
from forks import Forks
from fuzz import files
from fuzz.invariant import files as files_in
from fuzz.invariant import violations
from fuzz.lines import ENVIRONMENTS, Line, lines

SEEDS, LINES = {"quick": (1, 12), "short": (1, 150), "long": (3, 300)}[os.environ.get("FUZZ", "quick")]
SECONDS = 40  # that a line may take
SECONDS_OF_SERVERS = {"watch": 3, "serve": 20}  # a model loads first
NO_NETWORK = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "no_proxy": "127.0.0.1"}


@pytest.fixture
def project(tmp_path: Path, empty_store: Path) -> Project:
    shutil.copy(empty_store, tmp_path)
    project = copy_project(tmp_path)
    presets = tmp_path / "conf" / "experiment"
    (presets / "open.yaml").write_text("# @package _global_\nepochs: [1\n")
    (presets / "typo.yaml").write_text("# @package _global_\nlerning_rate: 1\n")
    (presets / "binary.yaml").write_bytes(b"\x00\xff\xfe")
    (tmp_path / "data").mkdir()
    files.make_all(tmp_path / "files")
    return project


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("number", range(SEEDS))
def test_a_command_line_works_or_says_in_one_message_what_is_wrong(project: Project, number: int) -> None:
    forks, tried, faults = Forks(project), 0, []

    @seed(number)
    @hypothesis_settings(
        max_examples=LINES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(lines(sorted(ENVIRONMENTS)))
    def try_one(line: Line) -> None:
        nonlocal tried
        tried += 1
        faults.extend(f"{line}: {fault}" for fault in check(forks, line))

    try_one()
    forks.close()
    print(f"seed {number}: {tried} lines, {len(faults)} violations")  # noqa: T201
    assert not faults, "\n".join(faults)


@contextmanager
def read_only(root: Path, applies: bool) -> Iterator[None]:
    """Nothing can be created in the project's folder, as if it belonged to somebody else."""
    folders = [path for path in (root, root / "outputs", root / "multirun", root / "mlruns") if path.exists()]
    for folder in folders if applies else []:
        folder.chmod(0o555)
    try:
        yield
    finally:
        for folder in folders:
            folder.chmod(0o755)


def check(forks: Forks, line: Line) -> list[str]:
    """Run a line, and return how it broke the invariant."""
    root = forks.project.root
    before = files_in(root)
    order = {**line.order, "variables": {**NO_NETWORK, **line.order.get("variables", {})}}
    seconds = SECONDS_OF_SERVERS.get(line.command, SECONDS)
    with read_only(root, line.environment == "read-only"):
        ended = forks.run(*line.arguments, command=line.command, seconds=seconds, **order)
    found = violations(line, ended, before, root)
    return [f"{fault}\n{ended.status} {ended.stdout[-300:]} {ended.stderr[-900:]}\n" for fault in found]

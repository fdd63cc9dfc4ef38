"""docs/your-own.md is true of data: its scripts run, and its commands print what it shows."""

import re
import subprocess
import sys

import pytest

from conftest import PROJECT, Project
from test_readme import arguments, masked

DOCUMENT = (PROJECT / "docs" / "your-own.md").read_text(encoding="utf-8").partition("## Your own network")[0]
BLOCKS = re.findall(r"```(python|console)\n(.*?)```(?:\n\n```text\n(.*?)```)?", DOCUMENT, re.S)


def test_the_document_has_scripts_and_commands() -> None:
    assert [kind for kind, _, _ in BLOCKS].count("python") == 4
    assert [kind for kind, _, _ in BLOCKS].count("console") == 4


@pytest.mark.slow
def test_every_script_and_command_does_what_it_shows(project: Project) -> None:
    """One after the other: a command trains on what a script has written."""
    for kind, text, shown in BLOCKS:
        if kind == "python":
            done = subprocess.run(
                [sys.executable, "-c", text],
                cwd=project.root,
                env=project.environment(),
                capture_output=True,
                text=True,
                timeout=200,
            )
            assert done.returncode == 0, done.stderr
            assert done.stdout == shown
            continue
        for command, output in re.findall(r"^\$ (python [^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", text, re.M):
            run = project.train(*arguments(command))
            printed = (run.stdout + run.stderr).replace(str(project.root), "PATH")
            assert masked(printed) == masked(output)


def test_the_document_names_every_kind() -> None:
    for kind in ("npz", "csv", "images", "openml", "torchvision"):
        assert f"data={kind} " in DOCUMENT

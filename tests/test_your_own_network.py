"""The guide to networks of one's own is true: its files are written, its commands are run, and print what it shows."""

import re
import shlex
from pathlib import Path

import pytest

from conftest import PROJECT, Project
from test_readme import masked

GUIDE = (PROJECT / "docs" / "your-own.md").read_text(encoding="utf-8").partition("## Your own network")[2]
FILES = re.findall(r"^`(mine/[\w/.]+)`:\n\n```\w+\n(.*?)```", GUIDE, re.S | re.M)
TRANSCRIPTS = [
    transcript
    for console in re.findall(r"```console\n(.*?)```", GUIDE, re.S)
    for transcript in re.findall(r"^\$ (python src/train\.py [^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", console, re.M)
]


@pytest.fixture
def with_files(project: Project) -> Project:
    for name, text in FILES:
        path = Path(project.root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return project


@pytest.mark.slow
@pytest.mark.parametrize(("command", "output"), TRANSCRIPTS)
def test_every_transcript_is_what_is_printed(with_files: Project, command: str, output: str) -> None:
    done = with_files.train(*shlex.split(command)[2:])
    assert masked(done.stdout + done.stderr) == masked(output)


def test_the_guide_has_its_files_and_transcripts() -> None:
    assert [name for name, _ in FILES] == ["mine/my_net.py", "mine/conf/network/my_net.yaml"]
    assert len(TRANSCRIPTS) == 5

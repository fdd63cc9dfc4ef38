"""Shell completion, asked as the script that Hydra installs in a shell asks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Project
from mlplab.app.completing import completions


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("activation=t", ["activation=tanh"]),
        ("activation=relu,s", ["activation=relu,sigmoid", "activation=relu,silu"]),
        ("data.split=let", ["data.split=letters"]),
        ("resume=", ["resume=false", "resume=true"]),
        ("experiment=pel", [f"experiment=pellattiero/{name}" for name in ("first", "search", "tuned")]),
        ("experiment=nothing", []),
        ("learning_rate=", None),
        ("acti", None),
    ],
)
def test_enum_values_and_presets_are_completed(word: str, expected: list[str] | None) -> None:
    assert completions(word) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("python src/train.py -m activation=relu,t", "activation=relu,tanh"),
        ("python src/train.py experiment=erande_2025/ep", "experiment=erande_2025/epochs"),
        ("python src/train.py activ", "activation="),
        ("python src/train.py data=dig", "data=digits"),
    ],
)
def test_a_shell_gets_them_through_the_command_that_hydra_installed(
    project: Project, line: str, expected: str
) -> None:
    done = project.train("-sc", "query=bash", COMP_LINE=line, COMP_POINT=str(len(line)))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [expected]


FISH = "python src/train.py -sc install=fish | source; complete -C 'python src/train.py {word}'"


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not on this machine")
@pytest.mark.parametrize(
    ("word", "expected"),
    [("activation=relu,s", ["activation=relu,sigmoid", "activation=relu,silu"]), ("data=dig", ["data=digits"])],
)
def test_fish_gets_each_as_a_word(project: Project, word: str, expected: list[str]) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["fish", "--no-config", "-c", FISH.format(word=word)],
        cwd=project.root,
        env=project.environment(PATH=path),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.stdout.split("\n")[:-1] == expected, done.stderr

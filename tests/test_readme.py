"""The README is true: its commands work, and its transcripts are what the commands print."""

import re
import shlex
import subprocess
import sys

import pytest

from conftest import PROJECT, Project

README = (PROJECT / "README.md").read_text(encoding="utf-8")
REGISTERING = re.findall(r"## Register the winner\n.*?```console\n(.*?)```", README, re.S)
CONSOLES = [text for text in re.findall(r"```console\n(.*?)```", README, re.S) if text not in REGISTERING]
TRANSCRIPTS = [
    (command, output)
    for console in CONSOLES
    for command, output in re.findall(r"^\$ (python src/train\.py [^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", console, re.M)
]
COMMANDS = sorted(set(re.findall(r"`(python src/train\.py[^`]*)`", README)))


def arguments(command: str) -> list[str]:
    return shlex.split(command.partition("#")[0])[2:]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.slow
def test_every_command_works(project: Project, command: str) -> None:
    """On a small network and data set, with only two values of the first swept key, to save time."""
    words, sweeps = [], 0
    for word in arguments(command):
        values = word.split(",") if "[" not in word else [word]
        words.append(",".join(values[: 1 if sweeps else 2]))
        sweeps += len(values) > 1
    small = [] if "--help" in words else ["data=digits", "hidden_sizes=[8]", "epochs=1", "log_every=10"]
    if any(word.startswith("experiment=") for word in words):  # a preset has MNIST, and a sweep of its own
        small += ["data.train_size=1000", "data.val_size=100", "iterations=20", "learning_rate=0.1", "weight_decay=0"]
    if any(word.startswith("network=") for word in words):
        small.remove("hidden_sizes=[8]")  # which another network has not
    replaced = {word.partition("=")[0] for word in small}
    done = project.train(*(word for word in words if word.partition("=")[0] not in replaced), *small)
    assert done.returncode == 0, done.stderr
    assert not done.stderr


@pytest.mark.parametrize(("command", "output"), TRANSCRIPTS)
def test_every_transcript_is_what_is_printed(project: Project, command: str, output: str) -> None:
    done = project.train(*arguments(command))
    assert masked(done.stdout + done.stderr) == masked(output)


@pytest.mark.slow
def test_a_run_again_prints_its_certificate(project: Project) -> None:
    """Of the run whose command stands above it."""
    (command, output) = next(one for one in TRANSCRIPTS if "epochs=3" in one[0])
    assert project.train(*arguments(command)).returncode == 0
    run_id = re.findall(r"run +([0-9a-f]{32})", output)[0]
    (printed,) = re.findall(rf"\$ python src/rerun\.py {run_id}\n(.*?)```", README, re.S)
    done = project.run("rerun", project.runs()[-1].info.run_id)
    assert masked(done.stdout + done.stderr) == masked(printed)


@pytest.mark.slow
def test_the_commands_that_register_print_what_stands_there_one_after_the_other(fresh_project: Project) -> None:
    (console,) = REGISTERING
    steps = re.findall(r"^\$ python src/(\w+)\.py ([^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", console, re.M)
    assert len(steps) == 3
    for script, rest, output in steps:
        done = fresh_project.run(script, *shlex.split(rest.partition(" | tail -3")[0]))
        assert not done.stderr
        assert masked(done.stdout)[-3:] == masked(output)


@pytest.mark.slow
def test_the_lines_of_python_print_what_stands_below_them(project: Project) -> None:
    found = re.search(r"## From Python\n.*?```python\n(.*?)```.*?```text\n(.*?)```", README, re.S)
    assert found is not None
    variables = project.environment(PYTHONPATH=str(project.root / "src"))
    command = [sys.executable, "-c", found[1]]
    done = subprocess.run(command, cwd=project.root, env=variables, capture_output=True, text=True, timeout=200)
    assert not done.stderr
    printed = masked(done.stdout)
    for line in masked(found[2]):
        assert line in printed


def masked(text: str) -> list[str]:
    """Mask what differs from run to run: speeds, times, ids; round every loss and accuracy down to two digits."""
    text = re.sub(r"[\d,]+ samples/s", "SPEED", text)
    text = re.sub(r"\d+\.\d s", "TIME", text)
    text = re.sub(r"[0-9a-f]{32}", "ID", text)
    text = re.sub(r"(\d\.\d\d)\d\d(\d\d)?", r"\1", text)
    text = re.sub(r"experiments/\d+", "experiments/N", text)
    text = re.sub(r"│ (\d+ s)? +│$", "EXPECTED", text, flags=re.M)  # depends on what has run before
    text = re.sub(r"to run(:|;) .*", "to run", text)
    return text.strip().splitlines()


def test_the_readme_has_commands_and_transcripts() -> None:
    assert len(COMMANDS) >= 6
    assert len(TRANSCRIPTS) == 7


@pytest.mark.parametrize("target", re.findall(r"^\$ make (\w+)", README, re.M))
def test_the_make_targets_of_the_readme_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (PROJECT / "Makefile").read_text(), re.M)

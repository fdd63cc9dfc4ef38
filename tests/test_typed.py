"""The line that goes on with a command that was interrupted."""

import shutil
import sys

import pytest

from mlplab.typed import _Typed, note_typed, say_how_to_go_on


@pytest.fixture(autouse=True)
def nothing_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Typed, "words", ())


@pytest.mark.parametrize("more", [[], ["resume=true"], ["resume=false"]])
def test_the_line_is_what_was_typed_to_resume(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    arguments = ["-m", "activation=relu,tanh", "hidden_sizes=[8]", "tracking.run_name=a b", *more]
    monkeypatch.setattr(sys, "orig_argv", [".venv/bin/python", "-W", "error", "src/train.py", *arguments])
    monkeypatch.setattr(sys, "argv", ["src/train.py", *arguments])
    note_typed()
    say_how_to_go_on("2 of 3 runs are done")
    assert capsys.readouterr().out.splitlines() == [
        "2 of 3 runs are done; to go on, type:",
        "  .venv/bin/python -W error src/train.py -m activation=relu,tanh 'hidden_sizes=[8]' "
        "'tracking.run_name=a b' resume=true",
    ]


def test_a_password_that_was_typed_is_not_in_the_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlplab.app.passwords import hide_typed_passwords

    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, "")
    typed = ["src/train.py", "tracking.uri=http://anna:secret@lab:5000"]
    monkeypatch.setattr(sys, "orig_argv", [shutil.which("python3"), *typed])
    monkeypatch.setattr(sys, "argv", typed.copy())
    hide_typed_passwords()
    note_typed()
    say_how_to_go_on("5 of 69 iterations are done")
    assert capsys.readouterr().out.splitlines()[1] == "  python3 src/train.py tracking.uri=http://lab:5000 resume=true"


def test_a_command_that_another_program_calls_has_the_line_that_would_be_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["python", "-c"])
    monkeypatch.setattr(sys, "argv", ["src/train.py", "epochs=1", "seed=0"])
    note_typed()
    say_how_to_go_on("done")
    assert capsys.readouterr().out.splitlines()[1] == "  python src/train.py epochs=1 seed=0 resume=true"


def test_where_nothing_was_typed_a_call_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    say_how_to_go_on("2 of 3 runs are done")
    assert capsys.readouterr().out == "2 of 3 runs are done; the same call with resume=True goes on\n"

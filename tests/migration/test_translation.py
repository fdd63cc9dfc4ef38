"""What names a run, a model or an experiment names its copy in the other store; nothing else changes."""

from pathlib import Path

import pytest

from mlplab.migration.translation import Translation

OLD, NEW = "0" * 31 + "a", "f" * 31 + "b"
LOCAL, SERVER = "sqlite:////lab/mlflow.db", "http://lab:5000"


def translation(source: str = LOCAL, target: str = SERVER) -> Translation:
    return Translation(source, target, {OLD: NEW, f"m-{OLD}": f"m-{NEW}"}, {"1": "42"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OLD, NEW),
        (f'[{{"run_id": "{OLD}"}}]', f'[{{"run_id": "{NEW}"}}]'),
        (f"model_id: m-{OLD}\nrun_id: {OLD}", f"model_id: m-{NEW}\nrun_id: {NEW}"),
        ("e" * 32, "e" * 32),  # a run that is not copied
        (f"{OLD}0", f"{OLD}0"),  # a longer number is no id
        (f"#/experiments/1/runs/{OLD}?a=b", f"#/experiments/42/runs/{NEW}?a=b"),
        ("#/experiments/1/runs?searchFilter=x", "#/experiments/42/runs?searchFilter=x"),
        ("#/experiments/11/runs", "#/experiments/11/runs"),
        ("http://127.0.0.1:5000/#/experiments/1/runs/x", "http://lab:5000/#/experiments/42/runs/x"),
        ("http://127.0.0.1:38001/#/experiments/1/runs/x", "http://lab:5000/#/experiments/42/runs/x"),
        ("http://another:5000/#/experiments/1/runs/x", "http://another:5000/#/experiments/1/runs/x"),
    ],
)
def test_ids_and_links_become_those_of_the_other_store(text: str, expected: str) -> None:
    assert translation().text(text) == expected


def test_links_of_a_server_become_those_of_a_file() -> None:
    there = translation(SERVER, LOCAL)
    assert there.text("http://lab:5000/#/experiments/1/runs/x") == "http://127.0.0.1:5000/#/experiments/42/runs/x"
    assert there.text("http://127.0.0.1:5000/#/experiments/1/runs") == "http://127.0.0.1:5000/#/experiments/1/runs"


def test_files_that_are_no_text_stay_as_they_are(tmp_path: Path) -> None:
    binary, text = b"\xff\x00" + OLD.encode(), f"run {OLD}\r\n".encode()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "weights.npz").write_bytes(binary)
    (tmp_path / "folder" / "MLmodel").write_bytes(text)
    translation().files(tmp_path)
    assert (tmp_path / "folder" / "weights.npz").read_bytes() == binary
    assert (tmp_path / "folder" / "MLmodel").read_bytes() == f"run {NEW}\r\n".encode()

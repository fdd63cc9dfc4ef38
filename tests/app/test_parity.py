"""``python src/parity.py``: one config by every engine, number by number."""

import subprocess

import pytest

from conftest import Project
from mlplab.app.parity import _parity
from mlplab.errors import ConfigError

FAST = ["data=digits", "hidden_sizes=[8]", "learning_rate=0.1", "log_every=10", "epochs=2", "activation=tanh"]


def parity(project: Project, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return project.run("parity", *FAST, *arguments)


@pytest.mark.slow
def test_engines_agree_over_a_run_in_float64_and_float32_is_reported(project: Project) -> None:
    done = parity(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
    assert "torch beside numpy in float64, which decides: the same within 1e-09" in done.stdout
    assert "torch beside numpy in float32, which is reported: not the same within 1e-09" in done.stdout
    runs = {(run.data.params["engine"], run.data.params["dtype"]): run for run in project.runs()}
    assert len(runs) == 4
    for dtype in ("float64", "float32"):
        one, other = runs["numpy", dtype], runs["torch", dtype]
        assert other.data.tags["rerun.of"] == one.info.run_id
        assert one.data.tags["rerun.certificate"].endswith(f"(run {other.info.run_id})")


@pytest.mark.slow
def test_engines_that_do_not_agree_end_with_status_3(project: Project) -> None:
    done = parity(project, "tolerance=0", "iterations=20")
    assert done.returncode == 3
    assert "torch beside numpy in float64, which decides: not the same bit by bit (largest difference " in done.stdout


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["engine=numpy"], "engine=numpy: is compared with numpy; takes one of torch"),
        (["dtype=float32"], "dtype=float32: both float64 and float32 are compared"),
        (["-m"], "-m: is no flag of this command"),
        (["tolerance=-1"], "tolerance=-1: takes a number, 0"),
        (["seed=-1"], "seed=-1: takes a whole number, 0 or more"),
        (["trials=3"], "trials=3: says how many runs a search tries"),
        (["experiment=erande_2025/activation"], "sweeps; parity takes one run's keys"),
    ],
)
def test_a_mistake_is_refused_with_the_reason(typed: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _parity([*FAST, *typed])

"""A plan expects of a run what runs like it took, by whichever names older code recorded them."""

from collections.abc import Callable

import pytest

from mlplab.config import TrainConfig, flatten
from mlplab.sweeps.grid import Job
from mlplab.sweeps.plan_table import show_plan

Settings = Callable[..., TrainConfig]
DIGITS = ("data=digits", "optimizer=sgd")


def planned(settings: TrainConfig, recorded: dict[str, str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the last line of the plan of one run, where a run with these params took 20 seconds."""
    job = Job(0, {"seed": "0"}, "seed=0", settings)
    show_plan([job], {}, {0: flatten(settings)}, [(recorded, 20.0)])
    return capsys.readouterr().out.splitlines()[-1]


def params_of(settings: TrainConfig) -> dict[str, str]:
    return {key: str(value) for key, value in flatten(settings).items()}


def test_it_learns_from_runs_whose_optimizer_had_another_name_and_that_are_older_than_a_key(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = settings(*DIGITS)
    old = {**params_of(wanted), "optimizer": "gd"}
    del old["data.split"]
    assert planned(wanted, old, capsys).startswith("1 to run: about 20 s")


@pytest.mark.parametrize(
    ("wanted", "recorded"),
    [
        (DIGITS, ("data=digits", "optimizer=adam")),
        (("data=emnist", "data.split=letters"), ("data=emnist", "data.split=byclass")),
    ],
)
def test_it_does_not_learn_from_runs_that_take_another_time(
    settings: Settings, capsys: pytest.CaptureFixture[str], wanted: tuple[str, ...], recorded: tuple[str, ...]
) -> None:
    last = planned(settings(*wanted), params_of(settings(*recorded)), capsys)
    assert last == "1 to run; how long it takes is not known: no run like these has finished"

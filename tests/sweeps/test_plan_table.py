"""A plan expects of a run what runs like it took, by whichever names older code recorded them."""

import re
from collections.abc import Callable

import pytest

from mlplab.config import TrainConfig
from mlplab.flat_config import flatten
from mlplab.schema import TOTAL_SECONDS, State
from mlplab.sweeps.grid import Job
from mlplab.sweeps.plan_table import show_plan
from mlplab.sweeps.record import Member

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


def swept(settings: Settings, capsys: pytest.CaptureFixture[str], finished: int) -> str:
    """Return the plan of three runs of unlike size, of which so many have finished: in 10 s and 30 s."""
    all_settings = [settings(*DIGITS, f"hidden_sizes=[{size}]") for size in (10, 20, 300)]
    jobs = [Job(i, {"hidden_sizes": str(one.hidden_sizes)}, "", one) for i, one in enumerate(all_settings)]
    taken = [10.0, 30.0][:finished]
    states = {i: Member("id", State.finished, {TOTAL_SECONDS: seconds}) for i, seconds in enumerate(taken)}
    durations = [(params_of(all_settings[i]), seconds) for i, seconds in enumerate(taken)]
    show_plan(jobs, states, {job.number: flatten(all_settings[job.number]) for job in jobs}, durations)
    return capsys.readouterr().out


def test_once_two_of_a_sweep_have_finished_the_others_are_expected_to_take_as_long(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    said = swept(settings, capsys, finished=2)
    assert re.search(r"\[300\] +│ new +│ about 20 s │", said)
    assert said.splitlines()[-2:] == [
        "its runs that have finished took about 20 s each",
        "1 to run: about 20 s one after the other",
    ]


def test_one_that_has_finished_foretells_nothing_of_an_unlike_one(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is not known" in swept(settings, capsys, finished=1)


@pytest.mark.parametrize("state", State)
def test_every_state_is_shown_and_what_is_done_is_not_expected_again(
    settings: Settings, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = settings(*DIGITS)
    job = Job(0, {"seed": "0"}, "seed=0", chosen)
    show_plan([job], {0: Member("id", state, {})}, {0: flatten(chosen)}, [(params_of(chosen), 20.0)])
    said = capsys.readouterr().out
    assert re.search(rf"\b{state}\b", said)
    assert not (state.is_done and "20 s" in said)


def test_a_pruned_run_tells_nothing_of_how_long_others_take(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = settings(*DIGITS)
    jobs = [Job(number, {"seed": str(number)}, f"seed={number}", chosen) for number in range(4)]
    pruned = {number: Member("id", State.pruned, {TOTAL_SECONDS: 1.0}) for number in range(3)}
    show_plan(jobs, pruned, {job.number: flatten(chosen) for job in jobs}, [])
    assert "no run like these has finished" in capsys.readouterr().out

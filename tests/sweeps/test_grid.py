"""The combinations of a sweep: counted before they are listed, walked together, and left out by a condition."""

import time

import pytest

from mlplab.errors import ConfigError
from mlplab.flat_config import flatten
from mlplab.sweeps import grid
from mlplab.sweeps.context import SweepContext


def combinations(context: SweepContext, *typed: str) -> list[tuple[str, ...]]:
    jobs = grid.combine(["data=digits", *typed], context)
    assert [job.number for job in jobs] == list(range(len(jobs)))
    return [tuple(job.varying.values()) for job in jobs]


def test_zipped_keys_are_walked_together_and_crossed_with_the_others(context: SweepContext) -> None:
    typed = ["hidden_sizes=[100],[300]", "activation=relu,tanh", "learning_rate=0.1,0.01"]
    assert combinations(context, *typed, "zip=[hidden_sizes,learning_rate]") == [
        ("[100]", "relu", "0.1"), ("[100]", "tanh", "0.1"), ("[300]", "relu", "0.01"), ("[300]", "tanh", "0.01"),
    ]  # fmt: skip


def test_a_job_has_the_values_of_all_its_zipped_keys(context: SweepContext) -> None:
    jobs = grid.combine(["seed=range(2)", "epochs=range(5,9,2)", "zip=[seed,epochs]"], context)
    assert [(job.name, job.settings.seed, job.settings.epochs) for job in jobs if job.settings] == [
        ("seed=0 epochs=5", 0, 5),
        ("seed=1 epochs=7", 1, 7),
    ]


def test_only_leaves_combinations_out_and_numbers_those_that_are_left(
    context: SweepContext, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = ["learning_rate=0.01,0.1,1", "batch_size=16,64", "only='learning_rate*batch_size<=6.4'"]
    assert combinations(context, *typed) == [("0.01", "16"), ("0.01", "64"), ("0.1", "16"), ("0.1", "64")]
    assert capsys.readouterr().out == "only=learning_rate*batch_size<=6.4: leaves out 2 of 6 combinations\n"


def test_only_may_ask_for_keys_that_are_not_swept_and_for_groups(context: SweepContext) -> None:
    typed = ["activation=relu,tanh", "data.val_size=100", "only='data.val_size == 100 and activation != \"relu\"'"]
    assert combinations(context, *typed) == [("tanh",)]
    jobs = grid.combine(["data=digits,mnist", "only='data == \"mnist\"'"], context)
    assert [job.varying for job in jobs] == [{"data": "mnist"}]


def test_only_leaves_out_combinations_that_would_be_invalid(context: SweepContext) -> None:
    typed = ["engine=numpy,torch", "device=cpu,cuda", 'only=\'engine=="torch" or device=="cpu"\'']
    jobs = grid.combine(typed, context)
    assert len(jobs) == 3
    grid.require_valid(jobs)


def test_how_a_sweep_is_made_up_is_no_part_of_its_runs(context: SweepContext) -> None:
    plain, *_ = grid.combine(["seed=0,1", "epochs=5,6"], context)
    made_up, *_ = grid.combine(["seed=0,1", "epochs=5,6", "zip=[seed,epochs]", "only='seed<5'"], context)
    assert plain.settings is not None
    assert made_up.settings is not None
    assert made_up.settings != plain.settings
    assert flatten(made_up.settings) == flatten(plain.settings)
    assert not {"zip", "only"} & set(flatten(plain.settings))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            ["seed=range(0,1000)", "learning_rate=range(0.1,100.05,0.1)"],
            "max_jobs=1000: the sweep has 1,000,000 combinations (1,000 of seed x 1,000 of learning_rate); "
            "take fewer values, or set max_jobs=1000000",
        ),
        (["seed=range(1000000000)"], "max_jobs=1000: the sweep has 1,000,000,000 combinations"),
        (["seed=1,2,3", "max_jobs=2"], "max_jobs=2: the sweep has 3 combinations (3 of seed)"),
        (["seed=1,2,3", "max_jobs=0"], "max_jobs=0: takes a number of runs, at least 1"),
        (["seed=1,2,3", "max_jobs=2,9"], "max_jobs: must be the same in the whole sweep"),
        (["seed=range(0,10,0)"], "seed=range(0,10,0): takes a step other than 0"),
        (["seed=range(1000000000)", "only='seed<1'"], "only=seed<1: chooses among 1,000,000,000 combinations"),
        (
            ["seed=range(9)", "only='seed<5'", "max_jobs=4"],
            "max_jobs=4: only=seed<5 leaves 5 of 9 combinations; take a narrower one, or set max_jobs=5",
        ),
        (["seed=range(9)", "only='seed<0'"], "only=seed<0: holds for none of 9 combinations; take a wider one"),
        (["zip=seed,epochs"], "zip: takes a list of keys in brackets, such as zip='[hidden_sizes,learning_rate]'"),
        (
            ["seed=range(2000)", "epochs=range(1,2001)", "zip=[seed,epochs]"],
            "2,000 combinations (2,000 of seed and epochs)",
        ),
    ],
)
def test_too_many_combinations_are_counted_and_refused_before_any_is_composed(
    context: SweepContext, typed: list[str], said: str
) -> None:
    start = time.process_time()
    with pytest.raises(ConfigError) as caught:
        grid.combine(typed, context)
    assert said in str(caught.value)
    assert time.process_time() - start < 2


def test_as_many_as_max_jobs_says_are_combined(context: SweepContext) -> None:
    assert len(grid.combine(["seed=range(0,3)", "max_jobs=3"], context)) == 3


def test_max_jobs_counts_what_only_leaves(context: SweepContext) -> None:
    assert len(grid.combine(["seed=range(9)", "only='seed<3'", "max_jobs=3"], context)) == 3

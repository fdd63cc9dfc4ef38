"""What is missing of a sweep is said, by what never ran or by name."""

from itertools import product

import pytest

from mlplab.comparison.completeness import describe_missing
from mlplab.schema import State

JOBS = [
    {"number": number, "name": f"{activation} lr={rate}", "varying": {"activation": activation, "learning_rate": rate}}
    for number, (activation, rate) in enumerate(product(("tanh", "sigmoid", "relu"), ("0.1", "0.01", "0.001", "1")))
]
DONE = State.finished


@pytest.mark.parametrize(
    ("states", "text"),
    [
        (dict.fromkeys(range(12), DONE), ""),
        (dict.fromkeys(range(8), DONE), "8 of 12 runs have finished (4 never began); relu never did"),
        (
            {**dict.fromkeys(range(7), DONE), 7: State.failed, 8: State.killed},
            "7 of 12 runs have finished (1 failed, 1 killed, 3 never began); relu never did",
        ),
        (
            {**dict.fromkeys(range(12), DONE), 3: State.failed, 11: State.running},
            "10 of 12 runs have finished (1 failed, 1 running); unfinished: tanh lr=1 and relu lr=1",
        ),
        (
            {number: DONE for number in range(12) if number % 4 and number < 8},
            "6 of 12 runs have finished (6 never began); relu and lr=0.1 never did",
        ),
    ],
)  # fmt: skip
def test_what_is_missing(states: dict[int, State], text: str) -> None:
    assert describe_missing(JOBS, states) == text

"""A condition is an expression over the keys of a config, which runs no code; a fault in it is one message."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplab.config import TrainConfig
from mlplab.errors import ConfigError
from mlplab.sweeps.condition import Condition

Settings = Callable[..., TrainConfig]
RUN = (
    "data=digits",
    "data.val_size=100",
    "learning_rate=0.1",
    "activation=relu",
    "batch_size=64",
    "hidden_sizes=[50]",
)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("learning_rate*batch_size<=6.4", True),
        ("learning_rate*batch_size<6.4", False),
        ("0.01 < learning_rate < 1 and not activation == 'tanh'", True),
        ("activation in ['sigmoid', 'tanh'] or seed > 0", False),
        ("activation not in ['sigmoid', 'tanh']", True),
        ("data == 'digits' and data.name == 'digits'", True),  # data.name is what data=digits says
        ("data.val_size >= 100", True),
        ("-seed + 2**3 - 7//2 == +5 and 7 % 4 == 3 and 1/2 == 0.5", True),
        ("hidden_sizes == [50]", True),
        ("hidden_sizes[0] > 50", False),
        ("iterations == null", True),
        ("iterations != null", False),
        ("diagnostics", True),
        ("diagnostics == false or False", False),
        ("optimizer == 'sgd'", True),
        ("  seed == 0  ", True),
    ],
)
def test_it_holds_or_not_for_the_values_of_a_run(settings: Settings, text: str, holds: bool) -> None:
    assert Condition.read(text).holds(settings(*RUN)) is holds


@given(st.floats(1e-6, 10), st.integers(1, 10_000), st.floats(1e-6, 1e4))
def test_numbers_are_calculated_with_as_python_does(rate: float, batch: int, bound: float) -> None:
    condition = Condition.read(f"learning_rate*batch_size <= {bound!r}")
    assert condition.keys == ("learning_rate", "batch_size")
    run = type("Run", (), {"learning_rate": rate, "batch_size": batch})()
    assert condition.holds(run) == (rate * batch <= bound)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lerning_rate<1", "lerning_rate: no such key; did you mean learning_rate? `--help` explains every key"),
        ("data.vall_size<1", "data.vall_size: no such key; did you mean data.val_size?"),
        ("activation==relu", "relu: no such key; `--help` explains every key; a text stands in quotes, as in"),
        ("activation.upper<1", "activation.upper: no such key"),
        ("'a'.upper<1", "'a'.upper: no such key"),
        ("retry<1", "retry: is no value that a run computes with; take one, such as learning_rate"),
        ("only<1", "only: is no value that a run computes with"),
        ("tags.team=='x'", "tags.team: is no value that a run computes with"),
        (
            "learning_rate<",
            "cannot be read (invalid syntax); write a comparison, as in only='learning_rate*batch_size",
        ),
        ("", "cannot be read (invalid syntax)"),
        ("seed<1; seed<2", "cannot be read (invalid syntax)"),
        ("seed=1", "cannot be read (invalid syntax"),
        ("len(hidden_sizes)<2", "len(hidden_sizes): is not taken; a condition has keys, numbers, texts in quotes"),
        ("__import__('os').system('x')", "__import__('os').system('x'): is not taken"),
        ("[x for x in hidden_sizes]", "is not taken"),
        ("seed is 1", "is not taken"),
        ("seed << 1", "is not taken"),
        ("hidden_sizes[0:1]", "is not taken"),
        ("(lambda: 1)", "is not taken"),
        ("f'{seed}'", "is not taken"),
        ("1 if seed else 2", "is not taken"),
        ("(seed := 1)", "is not taken"),
    ],
)
def test_what_is_no_condition_is_refused_before_anything_is_composed(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Condition.read(text)
    assert str(caught.value).startswith(f"only={text}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("activation<3", "cannot be told for activation=\"relu\": it compares a text (\"relu\") with a number (3)"),
        ("learning_rate=='0.1'", 'compares a number (0.1) with a text ("0.1")'),
        ("activation in ['relu', 1]", 'compares a text ("relu") with a number (1)'),
        ("activation in 'relu'", "looks into a text (\"relu\"); write a list, as in activation in ['relu','tanh']"),
        ("diagnostics==1", "compares true or false (true) with a number (1)"),
        ("iterations>5", "compares null with a number (5)"),
        ("hidden_sizes<100", "compares a list ([50]) with a number (100)"),
        ("hidden_sizes[1]<100", "list index out of range"),
        ("activation*2=='x'", 'calculates with a text ("relu"), where a number is needed'),
        ("diagnostics+1==2", "calculates with true or false (true), where a number is needed"),
        ("not seed", "negates a number (0), where true or false is needed"),
        ("1/seed>1", "cannot be told for seed=0: division by zero"),
        ("10**99999999>seed", "I don't want to evaluate"),
        ("learning_rate*2", "is 0.2, and not true or false; compare it, as in learning_rate<=0.1"),
        ("seed<1 and batch_size", "is 64, and not true or false"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_of_a_run_is_named_with_its_values(settings: Settings, text: str, said: str) -> None:
    condition = Condition.read(text)
    with pytest.raises(ConfigError) as caught:
        condition.holds(settings(*RUN))
    assert said in str(caught.value)

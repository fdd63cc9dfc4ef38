"""What Hydra's grammar says of a swept key is what the search draws from."""

from collections.abc import Sequence
from itertools import permutations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from mlplab.errors import ConfigError
from mlplab.sweeps.search.space import Dimension, proposal_overrides, read_dimensions


def parse(*texts: str) -> dict[str, Override]:
    overrides = OverridesParser.create().parse_overrides(list(texts))
    return {one.key_or_group: one for one in overrides if one.is_sweep_override()}


def dimension(text: str) -> Dimension:
    (one,) = read_dimensions(parse(text))
    return one


@pytest.mark.parametrize(
    ("text", "distribution", "size"),
    [
        ("activation=relu,tanh", CategoricalDistribution(["relu", "tanh"]), 2),
        ("activation=choice(relu,tanh)", CategoricalDistribution(["relu", "tanh"]), 2),
        ("hidden_sizes=[100],[500,250]", CategoricalDistribution(["[100]", "[500,250]"]), 2),
        ("batch_size=sort(64,16,32)", CategoricalDistribution(["16", "32", "64"]), 3),
        ("epochs=range(1,10)", IntDistribution(1, 9), 9),
        ("epochs=range(5)", IntDistribution(0, 4), 5),
        ("epochs=range(1,10,4)", IntDistribution(1, 9, step=4), 3),
        ("epochs=range(10,1,-3)", IntDistribution(4, 10, step=3), 3),
        ("epochs=tag(log, range(1,100))", IntDistribution(1, 99, log=True), 99),
        ("weight_decay=range(0.1,0.5,0.1)", FloatDistribution(0.1, 0.4, step=0.1), 4),
        ("weight_decay=float(range(1,4))", FloatDistribution(1.0, 3.0, step=1.0), 3),
        ("learning_rate=interval(0.01, 1)", FloatDistribution(0.01, 1.0), float("inf")),
        ("learning_rate=tag(log, interval(1e-4, 1))", FloatDistribution(1e-4, 1.0, log=True), float("inf")),
        ("batch_size=tag(int, interval(16, 512))", IntDistribution(16, 512), 497),
        ("batch_size=int(interval(16, 512))", IntDistribution(16, 512), 497),
        ("batch_size=tag(int, log, interval(16, 512))", IntDistribution(16, 512, log=True), 497),
        ("learning_rate=interval(1, 1)", FloatDistribution(1.0, 1.0), 1),
    ],
)  # fmt: skip
def test_every_form_of_the_grammar_is_a_distribution(text: str, distribution: BaseDistribution, size: float) -> None:
    one = dimension(text)
    assert one.distribution == distribution
    assert one.size == size
    if size < 1_000:
        assert len(one.values()) == size
    for value in one.edges():
        key = text.partition("=")[0]
        assert OverridesParser.create().parse_override(f"{key}={one.overrides(value)[key]}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rate=interval(1, 0.1)", r"learning_rate=interval\(1, 0.1\): takes the lower bound first"),
        ("learning_rate=tag(log, interval(0, 1))", r"has no logarithm at 0; take a lower bound above 0"),
        ("batch_size=tag(int, interval(1.5, 8))", r"takes bounds that are whole numbers"),
        ("learning_rate=tag(fast, interval(0.1, 1))", r"tag\(fast, ...\) says nothing; take log or int"),
        ("weight_decay=tag(log, range(0.1,0.5,0.1))", r"by its logarithm takes an interval, or steps of 1"),
        ("epochs=range(3,3)", r"epochs=range\(3,3\): has no value"),
        ("seed=1,2", r"seed=1,2: a search compares its runs at one seed"),
        ("activation=relu", r"search: no key has several values"),
    ],
)
def test_what_cannot_be_searched_is_one_message(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_dimensions(parse(text))


def test_what_is_not_swept_is_the_same_in_all_runs() -> None:
    dimensions = read_dimensions(parse("data=digits", "activation=relu,tanh", "note='a, b'"))
    assert [one.keys for one in dimensions] == [("activation",)]


def test_keys_that_are_walked_together_are_one_choice() -> None:
    (one,) = read_dimensions(parse("batch_size=16,32", "learning_rate=0.1,0.2"), ["batch_size", "learning_rate"])
    assert one.size == 2
    assert [one.overrides(value) for value in one.values()] == [
        {"batch_size": "16", "learning_rate": "0.1"},
        {"batch_size": "32", "learning_rate": "0.2"},
    ]


@pytest.mark.parametrize("order", list(permutations(["activation=relu,tanh", "learning_rate=interval(0,1)"])))
def test_values_come_in_the_order_in_which_the_keys_were_typed(order: Sequence[str]) -> None:
    dimensions = read_dimensions(parse(*order))
    varying = proposal_overrides(dimensions, {"learning_rate": 0.25, "activation": "tanh"})
    assert list(varying.items()) == [
        pair for text in order for pair in [("activation", "tanh"), ("learning_rate", "0.25")] if pair[0] in text
    ]


def test_a_shuffled_range_is_a_choice() -> None:
    one = dimension("epochs=shuffle(range(1,4))")
    assert isinstance(one.distribution, CategoricalDistribution)
    assert sorted(map(str, one.values())) == ["1", "2", "3"]


@given(st.floats(1e-4, 1.0))
def test_a_number_is_short_enough_to_be_typed_again_and_between_the_bounds(drawn: float) -> None:
    text = dimension("learning_rate=interval(1e-4, 1)").overrides(drawn)["learning_rate"]
    assert 1e-4 <= float(text) <= 1.0
    assert float(text) == pytest.approx(drawn, rel=1e-3)
    assert len(text.partition("e")[0].lstrip("0.")) <= 5 or float(text) == drawn

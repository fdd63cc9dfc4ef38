"""Every form of Hydra's grammar becomes an axis; `zip` walks some together; nothing is listed to be counted."""

import time

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hypothesis import given
from hypothesis import strategies as st

from mlplab.errors import ConfigError
from mlplab.sweeps.axes import Axis, bundle_overrides, count_values, enumerate_axis
from mlplab.sweeps.context import SweepContext


def parsed(*typed: str) -> list[Override]:
    return OverridesParser.create().parse_overrides(list(typed))


def axes(zipped: object, *typed: str) -> list[Axis]:
    return [enumerate_axis(bundle) for bundle in bundle_overrides(parsed(*typed), zipped)]


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("activation=relu,tanh", ["relu", "tanh"]),
        ("activation=choice(relu,tanh)", ["relu", "tanh"]),
        ("hidden_sizes=[100],[500,250]", ["[100]", "[500,250]"]),
        ("note='a b','c,d'", ["'a b'", "'c,d'"]),
        ("iterations=null,5", ["null", "5"]),
        ("seed=range(3)", ["0", "1", "2"]),
        ("seed=range(5,0,-2)", ["5", "3", "1"]),
        ("learning_rate=range(0.5,2,0.5)", ["0.5", "1.0", "1.5"]),
        ("learning_rate=sort(0.1,0.01)", ["0.01", "0.1"]),
        ("learning_rate=float(1,2)", ["1.0", "2.0"]),
        ("learning_rate=tag(log,choice(1,2))", ["1", "2"]),
        ("seed=range(3,3)", []),
    ],
)
def test_a_key_with_several_values_is_an_axis_of_them_as_typed(typed: str, values: list[str]) -> None:
    key = typed.partition("=")[0]
    assert axes(None, typed) == [Axis((key,), [(value,) for value in values])]
    assert count_values(parsed(typed)[0]) == len(values)


def test_a_glob_is_an_axis_of_the_choices_of_its_group(context: SweepContext) -> None:
    parser = OverridesParser.create(config_loader=context.loader)
    (bundle,) = bundle_overrides(parser.parse_overrides(["data=glob(*mnist)"]), None)
    assert enumerate_axis(bundle).values == [("emnist",), ("fashion_mnist",), ("kmnist",), ("mnist",)]


SIZES = ["hidden_sizes=[100],[300],[500,250]", "activation=relu,tanh", "learning_rate=0.1,0.01,0.001", "seed=range(2)"]


def test_zipped_keys_are_one_axis_where_the_first_of_them_was_typed() -> None:
    assert axes(["learning_rate", "hidden_sizes"], *SIZES) == [
        Axis(("learning_rate", "hidden_sizes"), [("0.1", "[100]"), ("0.01", "[300]"), ("0.001", "[500,250]")]),
        Axis(("activation",), [("relu",), ("tanh",)]),
        Axis(("seed",), [("0",), ("1",)]),
    ]


def test_several_lists_of_keys_are_walked_each_by_itself() -> None:
    zipped = axes([["hidden_sizes", "learning_rate"], ["activation", "seed"]], *SIZES)
    assert [axis.keys for axis in zipped] == [("hidden_sizes", "learning_rate"), ("activation", "seed")]
    assert [len(axis.values) for axis in zipped] == [3, 2]


@given(st.integers(1, 30), st.integers(-5, 5), st.integers(1, 3))
def test_ranges_are_zipped_value_by_value(count: int, start: int, step: int) -> None:
    seeds, epochs = f"seed=range({count})", f"epochs=range({start},{start + count * step},{step})"
    (axis,) = axes(["seed", "epochs"], seeds, epochs)
    assert axis.values == [(str(i), str(start + i * step)) for i in range(count)]


@pytest.mark.parametrize(
    ("zipped", "said"),
    [
        (["hidden_sizes", "activation"], "zip=[hidden_sizes,activation]: walks them together, but hidden_sizes has 3, "
         "activation has 2 values; give each as many"),
        (["seed", "epochs"], "zip: epochs: has no list of values to walk; write epochs=VALUE,VALUE, or take it out"),
        (["seed", "epoch"], "zip: epoch: no such key; did you mean epochs?"),
        (["seed", "seed"], "zip: seed: is named 2 times; name it once"),
        ([["seed", "activation"], ["seed", "learning_rate"]], "zip: seed: is named 2 times"),
        (["seed"], "zip=[seed]: takes two keys or more, such as zip=[hidden_sizes,learning_rate]"),
        ([["seed", "activation"], []], "zip=[[seed, activation], []]: takes two keys or more"),
        ([["seed", "activation"], "epochs"], "takes two keys or more"),
        (["seed", 3], "zip=[seed, 3]: takes two keys or more"),
        ("seed", "zip=seed: takes two keys or more"),
    ],
)  # fmt: skip
def test_what_cannot_be_zipped_is_named_with_the_remedy(zipped: object, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        axes(zipped, *SIZES)
    assert said in str(caught.value)


def test_an_interval_has_no_list_of_values() -> None:
    typed = "learning_rate=interval(0.1,1)"
    said = "learning_rate=interval(0.1,1): a grid takes a list of values, such as learning_rate=0.01,0.1; "
    said += "a search, such as search=tpe, takes an interval"
    for read in (lambda: axes(None, typed), lambda: axes(["seed", "learning_rate"], typed, "seed=1,2")):
        with pytest.raises(ConfigError) as caught:
            read()
        assert str(caught.value) == said


def test_a_billion_values_are_bundled_and_counted_without_being_listed() -> None:
    start = time.process_time()
    (bundle,) = bundle_overrides(parsed("seed=range(1000000000)", "epochs=range(1,1000000001)"), ["seed", "epochs"])
    assert count_values(bundle[0]) == 1_000_000_000
    assert time.process_time() - start < 1

"""Keys and values from Python become what would be typed."""

from enum import StrEnum
from typing import Any, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplab.app.python_keys import overrides_of
from mlplab.config import CARRYING_OUT, Activation, TrainConfig
from mlplab.errors import ConfigError

ONE_VALUE: dict[str, tuple[dict[str, Any], list[str]]] = {
    "text": ({"activation": "relu"}, ["activation=relu"]),
    "a member of an enum": ({"activation": Activation.relu}, ["activation=relu"]),
    "numbers": ({"epochs": 3, "learning_rate": 1e-05}, ["epochs=3", "learning_rate=1e-05"]),
    "NumPy's numbers": ({"seed": np.int64(3), "weight_decay": np.float64(0.5)}, ["seed=3", "weight_decay=0.5"]),
    "a truth value": ({"diagnostics": False}, ["diagnostics=false"]),
    "None": ({"iterations": None}, ["iterations=null"]),
    "a list of a key that takes one": ({"hidden_sizes": [100, 50]}, ["hidden_sizes=[100, 50]"]),
    "a tuple, likewise": ({"hidden_sizes": (100,)}, ["hidden_sizes=[100]"]),
    "an array, likewise": ({"hidden_sizes": np.array([8, 4])}, ["hidden_sizes=[8, 4]"]),
    "a dotted key": ({"data.val_size": 360}, ["data.val_size=360"]),
    "nested keys": ({"data": {"name": "digits", "val_size": 360}}, ["data=digits", "data.val_size=360"]),
    "a tag of one's own": ({"tags": {"team": "computer vision"}}, ["tags.team='computer vision'"]),
    "a text that Hydra would take apart": ({"note": "a, b = c"}, ["note='a, b = c'"]),
    "what the command line takes": ({"learning_rate": "0.1"}, ["learning_rate=0.1"]),
}
SEVERAL: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a list": ({"activation": ["relu", "tanh"]}, ["activation=relu,tanh"]),
    "a range": ({"seed": range(3)}, ["seed=0,1,2"]),
    "an array": ({"learning_rate": np.array([0.1, 0.01])}, ["learning_rate=0.1,0.01"]),
    "a list of lists": ({"hidden_sizes": [[100], [300, 100]]}, ["hidden_sizes=[100],[300, 100]"]),
    "data sets": ({"data": ["digits", "mnist"]}, ["data=digits,mnist"]),
    "one value": ({"epochs": [3]}, ["epochs=3"]),
}


@pytest.mark.parametrize(("keys", "typed"), ONE_VALUE.values(), ids=ONE_VALUE)
def test_one_value_is_typed_so_for_a_run_and_a_sweep(keys: dict[str, Any], typed: list[str]) -> None:
    assert overrides_of(keys, sweeps=False) == overrides_of(keys, sweeps=True) == typed


@pytest.mark.parametrize(("keys", "typed"), SEVERAL.values(), ids=SEVERAL)
def test_several_values_are_swept(keys: dict[str, Any], typed: list[str]) -> None:
    assert overrides_of(keys, sweeps=True) == typed
    with pytest.raises(ConfigError, match=r"takes one value; mlplab\.sweep"):
        overrides_of(keys, sweeps=False)


@pytest.mark.parametrize("key", CARRYING_OUT)
def test_how_a_sweep_is_carried_out_is_not_swept(key: str) -> None:
    with pytest.raises(ConfigError, match="must be the same in the whole sweep"):
        overrides_of({key: [1, 2]}, sweeps=True)


def test_no_value_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"activation=\[\]: takes one value or more"):
        overrides_of({"activation": []}, sweeps=True)


def enum_keys() -> list[str]:
    kinds = get_type_hints(TrainConfig)
    return [key for key, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, StrEnum)]


@pytest.mark.parametrize("key", enum_keys())
def test_every_enum_is_swept_by_its_members(key: str) -> None:
    members = list(get_type_hints(TrainConfig)[key])
    assert overrides_of({key: members}, sweeps=True) == [f"{key}={','.join(members)}"]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])))
def test_any_text_arrives_as_it_is(text: str) -> None:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    typed = overrides_of({"tags": {"team": text}}, sweeps=True)
    (parsed,) = OverridesParser.create().parse_overrides(typed)
    assert str(parsed.value()) == text
    assert not parsed.is_sweep_override()

"""The part of the config that says which network: the built-in mlp, or anybody's class and its arguments."""

import re
from collections.abc import Mapping
from typing import Any

from mlplab.checks import require
from mlplab.errors import ConfigError

TARGET = "_target_"  # Hydra's name for the class that it instantiates
TARGET_KEY = f"network.{TARGET}"
MLP = "mlp"
OF_MLP = ("hidden_sizes", "activation", "init", "init_scale")  # keys that say nothing of another network

_VALUES = ("null", "true", "false", "inf", "nan")  # what Hydra's grammar reads so is no name of a key


def is_mlp(network: Mapping[str, Any]) -> bool:
    """Tell whether it is the built-in network, which both engines have."""
    return bool(network[TARGET] == MLP)


def is_of_some_network(key: str) -> bool:
    """Tell whether only the runs of some networks have this key."""
    return key in OF_MLP or (key.startswith("network.") and key != TARGET_KEY)


def short_target(target: str) -> str:
    """Return the name of a class without its module.

    >>> short_target("my_package.nets.MyNet")
    'MyNet'
    """
    return target.rpartition(".")[2]


def describe_network(network: Mapping[str, Any]) -> str:
    """Return a class and its arguments in words.

    >>> describe_network({"_target_": "my_net.MyNet", "width": 32})
    'MyNet (width 32)'
    """
    arguments = ", ".join(f"{name} {value}" for name, value in network.items() if name != TARGET)
    return short_target(network[TARGET]) + (f" ({arguments})" if arguments else "")


def flat_network(network: Mapping[str, Any]) -> dict[str, Any]:
    """Return the class and each argument by key, ``network.width``; an argument that is a dictionary stays whole."""
    return {f"network.{name}": value for name, value in network.items()}


def check_network(network: Mapping[str, Any]) -> None:
    """Raise ConfigError for what no command line could give back, as the jobs of a sweep are: see ``manifest``."""
    target = network.get(TARGET)
    require(
        TARGET_KEY, target, isinstance(target, str) and bool(target),
        "takes the path of a class, such as my_net.MyNet, or mlp",
    )  # fmt: skip
    if is_mlp(network):
        for name in network.keys() - {TARGET}:
            raise ConfigError(f"network.{name}: network=mlp has no such key; it takes {', '.join(OF_MLP)}")
    for name, value in network.items():
        _check_value(f"network.{name}", value)


def _check_value(key: str, value: object) -> None:
    name = key.rpartition(".")[2]
    is_name = re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) is not None and name.lower() not in _VALUES
    require("network", key, is_name, "takes keys that begin with a letter or _, of letters, digits and _ (a to z)")
    if isinstance(value, Mapping):
        for inner_name, inner in value.items():
            _check_value(f"{key}.{inner_name}", inner)
    elif isinstance(value, list):
        for inner in value:
            _check_value(key, inner)
    else:
        require(
            key, value, value is None or isinstance(value, bool | int | float | str),
            "takes a number, a text, true, false, null, or lists and dictionaries of them",
        )  # fmt: skip

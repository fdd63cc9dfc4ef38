"""Short names for the runs of a comparison: only what varies, such as ``relu lr=0.01``."""

from collections.abc import Mapping

from mlplab.network_config import TARGET_KEY, is_of_some_network, short_target

MISSING = "none"  # the value of a param that a run does not have

# Keys that are left out: their values speak for themselves.
_SELF_EXPLANATORY = {"engine", "activation", "init", "optimizer", "data", "data.name", "dtype", "network"}
_SHORT = {"learning_rate": "lr", "learning_rate_decay": "decay", "weight_decay": "wd", "batch_size": "batch"}


def member_name(varying: Mapping[str, str]) -> str:
    """Return the name of a run, or a group of runs, with these values of the keys that vary.

    A key that the network does not have, whose value is ``none``, is left out.

    >>> member_name({"activation": "relu", "learning_rate": "0.01"})
    'relu lr=0.01'
    """
    return " ".join(_part(key, value) for key, value in varying.items() if not _is_of_another_network(key, value))


def is_model_name(name: str) -> bool:
    """Tell whether a registered model can have this name: NAME@ALIAS and models:/NAME/1 must stay unambiguous."""
    return bool(name.strip()) and not set(name) & set("/:@'\"`") and name not in (".", "..")


def shown_key(key: str) -> str:
    """Return a key as a table's header has it: ``network`` for the class of a network."""
    return "network" if key == TARGET_KEY else key


def shown_value(key: str, value: str) -> str:
    """Return the value of a key as a table has it: of the class of a network its name; nothing for what it has not."""
    if _is_of_another_network(key, value):
        return ""
    return short_target(value) if key == TARGET_KEY else value


def _part(key: str, value: str) -> str:
    if key == TARGET_KEY:
        return short_target(value)
    return value if key in _SELF_EXPLANATORY else f"{_SHORT.get(key, key)}={_short_number(value)}"


def _is_of_another_network(key: str, value: str) -> bool:
    return value == MISSING and is_of_some_network(key)


def _short_number(value: str) -> str:
    try:
        return value if value.isdigit() else f"{float(value):g}"
    except ValueError:
        return value

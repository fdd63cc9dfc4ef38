"""The keys of a run as Python gives them, as overrides in Hydra's grammar."""

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from mlplab.app.arguments import arrange
from mlplab.config import CARRYING_OUT, TrainConfig
from mlplab.errors import ConfigError
from mlplab.sweeps.manifest import as_override

_GROUPS = ("data", "network", "tracking", "experiment")
_MANY = (list, tuple, range, set, frozenset, np.ndarray)


def overrides_of(keys: Mapping[str, Any], sweeps: bool) -> list[str]:
    """Return the overrides for keys and their values.

    A mapping is of nested keys: ``data={"val_size": 360}`` is ``data.val_size=360``; its ``name`` chooses the group.
    Text is written as on the command line (``learning_rate="0.1"``), except for keys that take text, such as ``note``.
    Several values are swept; of a key that takes a list, several lists.

    Raises:
        ConfigError: a key has several values, or none, and ``sweeps`` is False; or what the command line refuses.
    """
    texts = [_override(key, value, sweeps) for key, value in _leaves(keys)]
    return arrange(texts).overrides


def _leaves(keys: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in keys.items():
        name = prefix + key
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{name}.")
        else:
            yield ("data" if name == "data.name" else name), value


def _override(key: str, value: Any, sweeps: bool) -> str:
    kind = _type_of(key)
    if not _is_several(kind, value):
        return f"{key}={_text(kind, value)}"
    values = list(value)
    shown = f"{key}={value!r}"
    if not sweeps:
        raise ConfigError(f"{shown}: takes one value; mlplab.sweep() trains with each")
    if key in CARRYING_OUT:
        raise ConfigError(f"{shown}: must be the same in the whole sweep; give it one value")
    if not values:
        raise ConfigError(f"{shown}: takes one value or more")
    return f"{key}={','.join(_text(kind, one) for one in values)}"


def _is_several(kind: Any, value: Any) -> bool:
    """Tell whether the values are to be swept: of a key that takes a list, a list of lists is."""
    if not isinstance(value, _MANY):
        return False
    if kind is Any:  # a key of its own grammar, which no type describes
        return False
    takes_list = get_origin(kind) is list or any(get_origin(one) is list for one in get_args(kind))
    return not takes_list or any(isinstance(one, _MANY) for one in value)


def _text(kind: Any, value: Any) -> str:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, tuple | range):
        value = list(value)
    if isinstance(value, Path):
        value = str(value)
    is_text = kind is str or str in get_args(kind)
    if isinstance(value, Enum) or (isinstance(value, str) and not is_text):
        return str(value)
    return as_override(value)


def _type_of(key: str) -> Any:
    """Return the type that a key's value has; str for one of the user's own, and for the name of a group."""
    kind: Any = TrainConfig
    for name in key.split("."):
        if not is_dataclass(kind):
            return str
        kind = get_type_hints(kind).get(name)
    return None if is_dataclass(kind) or key in _GROUPS else kind

"""Shell completion of what Hydra's own does not know: the values of an enum, and presets by their path."""

import os
from collections.abc import Sequence
from dataclasses import fields
from enum import StrEnum
from typing import get_args

from mlplab import config
from mlplab.data_config import DataConfig
from mlplab.paths import choices_of

_FLAGS = ("-sc", "--shell-completion")  # of Hydra, which the script that it installs in a shell calls


def completions_of_typed(arguments: Sequence[str]) -> list[str] | None:
    """Return how the word that a shell asks about may go on; None where that is Hydra's to answer."""
    asked = any(flag in _FLAGS for flag in arguments) and any(text.startswith("query=") for text in arguments)
    line = os.environ.get("COMP_LINE", "")
    return completions(line.rpartition(" ")[2]) if asked else None


def completions(word: str) -> list[str] | None:
    """Return the words that this one may become, after a comma too; None for a key that Hydra completes.

    >>> completions("activation=relu,s")
    ['activation=relu,sigmoid', 'activation=relu,silu']
    """
    key, is_assigned, value = word.partition("=")
    choices = _presets() if key == "experiment" else _enum_values().get(key)
    if not is_assigned or choices is None:
        return None
    before, comma, last = value.rpartition(",")
    return [f"{key}={before}{comma}{choice}" for choice in choices if choice.startswith(last)]


def _presets() -> list[str]:
    return choices_of("experiment")


def _enum_values() -> dict[str, list[str]]:
    schemas = {"": config.TrainConfig, "data.": DataConfig}
    found = {}
    for prefix, schema in schemas.items():
        for key in fields(schema):
            for kind in (key.type, *get_args(key.type)):
                if isinstance(kind, type) and issubclass(kind, StrEnum):
                    found[prefix + key.name] = [str(choice) for choice in kind]
                elif kind is bool:
                    found[prefix + key.name] = ["false", "true"]
    return found

"""Options of the commands that only read the store: key=value, as everywhere."""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Optional, TypeVar, get_args

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from mlplab.app.arguments import warn_of_repeated
from mlplab.errors import ConfigError
from mlplab.tracking_config import check_uri

T = TypeVar("T")
TYPED = "typed"


@dataclass
class StoreOptions:
    """Where the runs are."""

    experiment: str = "mlplab"
    uri: Optional[str] = None  # noqa: UP045 - OmegaConf 2.3 reads Optional, not `str | None`


def parse_options(kind: type[T], arguments: Sequence[str], former_keys: Mapping[str, str]) -> T:
    """Return the options that were typed.

    Args:
        kind: a dataclass; a field ``tracking`` of it has StoreOptions. Metadata of a field say under TYPED what people
            type for it, where that is no name in Python.
        arguments: key=value each.
        former_keys: what a key is called now.

    Raises:
        ConfigError: a key or its type is wrong.
    """
    options = [option for option in fields(kind) if option.name != "tracking"]  # type: ignore[arg-type]
    names = {option.metadata.get(TYPED, option.name): option.name for option in options}
    names |= {f"tracking.{option.name}": f"tracking.{option.name}" for option in fields(StoreOptions)}
    known, given = list(names), []
    for argument in arguments:
        key, separator, value = argument.partition("=")
        key = former_keys.get(key, key)
        if key not in known or not separator:
            raise ConfigError(not_an_option(argument, known))
        given.append((key, value))
    warn_of_repeated([f"{key}={value}" for key, value in given])
    texts = {option.name for option in options if str in (option.type, *get_args(option.type))}
    try:
        typed_options = OmegaConf.from_cli([_as_text(f"{names[key]}={value}", texts) for key, value in given])
        parsed = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(kind), typed_options))
    except OmegaConfBaseException as error:
        typed = [f"{key}={value}" for key, value in given if names[key] == error.full_key] or arguments
        raise ConfigError(f"{' '.join(typed)}: {_reason(error)}; see `--help`") from error
    except YAMLError as error:
        raise ConfigError(f"{' '.join(arguments)}: a bracket or a quotation mark is open; see `--help`") from error
    assert isinstance(parsed, kind)
    return parsed


def _reason(error: OmegaConfBaseException) -> str:
    said = str(error).splitlines()[0]
    if "is not a ListConfig" in said:
        return "takes a list, such as [ONE,TWO]"
    if "Incompatible value 'None'" in said:
        return "has no value; give one, or leave the key out"
    return said


def _as_text(argument: str, texts: Collection[str]) -> str:
    """Return the argument with a word in quotation marks, where its key takes a text: the id 12e34 is no number."""
    key, _, value = argument.partition("=")
    is_word = key in texts and value != "null" and re.fullmatch(r"[\w.+-]+", value)
    return f'{key}="{value}"' if is_word else argument


def not_an_option(argument: str, known: Sequence[str]) -> str:
    """Return the message for an argument that is no key=value with one of the known keys."""
    name, _, value = argument.partition("=")
    key = name.lstrip("-").replace("-", "_")
    if name.startswith("-") and key in known:
        return f"{argument}: keys are no flags; write {key}={value or 'VALUE'}"
    close = get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{argument}: is no key=value of this command; {hint}it takes {', '.join(known)}; see `--help`"


def store_uri(typed: str | None) -> str | None:
    """Return the URI of the store, as typed or from the environment; None for the project's own.

    Raises:
        ConfigError: there cannot be a store.
    """
    uri = typed or os.environ.get("MLFLOW_TRACKING_URI") or None
    check_uri(uri)
    return uri

"""Options of the commands that only read the store: key=value, as everywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Optional, TypeVar

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mlplab.errors import ConfigError

T = TypeVar("T")


@dataclass
class StoreOptions:
    """Where the runs are."""

    experiment: str = "mlplab"
    uri: Optional[str] = None  # noqa: UP045 - OmegaConf 2.3 reads Optional, not `str | None`


def parse_options(kind: type[T], arguments: Sequence[str], former_keys: Mapping[str, str]) -> T:
    """Return the options that were typed.

    Args:
        kind: a dataclass; a field ``tracking`` of it has StoreOptions.
        arguments: key=value each.
        former_keys: what a key is called now.

    Raises:
        ConfigError: a key or its type is wrong.
    """
    known = [option.name for option in fields(kind) if option.name != "tracking"]  # type: ignore[arg-type]
    known += [f"tracking.{option.name}" for option in fields(StoreOptions)]
    given = []
    for argument in arguments:
        key, separator, value = argument.partition("=")
        key = former_keys.get(key, key)
        if key not in known or not separator:
            raise ConfigError(f"{argument}: takes key=value with one of {', '.join(known)}; see `--help`")
        given.append(f"{key}={value}")
    try:
        options = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(kind), OmegaConf.from_cli(given)))
    except OmegaConfBaseException as error:
        typed = [text for text in given if text.partition("=")[0] == error.full_key] or arguments
        raise ConfigError(f"{' '.join(typed)}: {str(error).splitlines()[0]}; see `--help`") from error
    assert isinstance(options, kind)
    return options

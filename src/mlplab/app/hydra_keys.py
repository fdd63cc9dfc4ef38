"""Keys of Hydra's own that it would take and ignore: each is refused, with what to type instead."""

from collections.abc import Sequence
from dataclasses import is_dataclass
from typing import Any, get_type_hints

from hydra.conf import HydraConf

from mlplab.errors import ConfigError

_IGNORED_BY_SWEEPS = {
    "hydra.sweep.subdir": "the members of a sweep lie in folders by their numbers; leave it out",
    "hydra.run.dir": "says where a single run writes; of a sweep that is hydra.sweep.dir",
}


def require_read(key: str, text: str) -> None:
    """Raise ConfigError if Hydra never reads this key, which ``+`` lets it add; ``text``: what was typed."""
    kind: Any = HydraConf
    for name in key.split(".")[1:]:
        if not is_dataclass(kind):  # a dictionary, or of a plugin: any name may be there
            return
        names = get_type_hints(kind)
        if name not in names:
            raise ConfigError(
                f"{text}: no such key of Hydra's; leave it out, or see `--cfg hydra` for those there are"
            )
        kind = names[name]


def require_read_by_sweeps(overrides: Sequence[str]) -> None:
    """Raise ConfigError if one of these overrides of Hydra's keys says nothing to a sweep."""
    for text in overrides:
        if remedy := _IGNORED_BY_SWEEPS.get(text.lstrip("+").partition("=")[0]):
            raise ConfigError(f"{text}: {remedy}")

"""Turns Hydra's composed config into the checked dataclass, and Hydra's errors into one sentence each."""

import difflib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from mlplab import config
from mlplab.app.help_text import choices_text, help_text
from mlplab.errors import ConfigError
from mlplab.paths import CONF, PROJECT_ROOT
from mlplab.store.uri import hide_password


def register() -> None:
    """Register the schema with Hydra, and the resolvers that conf/ uses with OmegaConf."""
    schema = OmegaConf.structured(config.TrainConfig)
    OmegaConf.set_struct(schema.tags, False)  # Hydra refuses new keys elsewhere; here any name may be typed
    ConfigStore.instance().store(name="schema", node=schema)
    OmegaConf.register_new_resolver("project_root", lambda: str(PROJECT_ROOT), replace=True)
    OmegaConf.register_new_resolver("help_text", help_text, replace=True)
    OmegaConf.register_new_resolver("choices_text", choices_text, replace=True)
    OmegaConf.register_new_resolver("preset_mode", _preset_mode, replace=True)


def read_config(composed: DictConfig) -> config.TrainConfig:
    """Turn Hydra's composed config (without its ``hydra`` part) into a checked dataclass.

    Raises:
        ConfigError: a key is unknown, or a value is missing, has the wrong type or is out of bounds.
    """
    for group in ("data", "tracking"):
        if OmegaConf.is_missing(composed, group) or composed.get(group) is None:
            raise ConfigError(f"{group}=null: takes a choice; `--help` lists them")
    known = _known_keys()
    for key in _keys(OmegaConf.to_container(composed, resolve=False)):
        if key not in known and not key.startswith("tags."):  # Hydra lets `+key=value` add any
            raise ConfigError(_unknown_key(key))
    try:
        typed = OmegaConf.to_object(composed)
    except OmegaConfBaseException as error:
        raise ConfigError(explain(error)) from error
    assert isinstance(typed, config.TrainConfig)
    if typed.tracking.uri is not None:
        typed.tracking.uri = hide_password(typed.tracking.uri)
    return typed


def explain(error: HydraException | OmegaConfBaseException) -> str:
    """Return one sentence that names the wrong key, its value and the remedy."""
    if isinstance(error, MissingConfigException) and error.options:
        group, _, value = str(error.missing_cfg_file).rpartition("/")
        return f"{group}={value}: no such choice; choose from {', '.join(error.options)}"
    if isinstance(error, MissingConfigException) and str(error.missing_cfg_file).startswith("experiment/"):
        folder = CONF / "experiment"
        presets = sorted(str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.yaml"))
        value = str(error.missing_cfg_file).removeprefix("experiment/")
        return f"experiment={value}: no such preset; choose from {', '.join(presets)}"
    if isinstance(error, OverrideParseException):
        return f"{error.override}: {_first_line(error)}; write key=value without spaces, and quote special characters"
    cause = error if isinstance(error, OmegaConfBaseException) else error.__cause__
    if isinstance(cause, ConfigAttributeError | ConfigKeyError):
        return _unknown_key(str(cause.full_key))
    if isinstance(cause, OmegaConfBaseException):
        where = f"{cause.full_key}={cause.value}: " if cause.full_key else ""
        return f"{where}{_first_line(cause)}; `--help` explains every key"
    return " ".join(str(error).split())


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0].rstrip(".")


def _unknown_key(key: str) -> str:
    close = difflib.get_close_matches(key, _known_keys(), n=1, cutoff=0.6)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{key}: no such key; {hint}`--help` explains every key"


def _keys(node: Any) -> list[str]:
    """Return the names of all keys of nested dictionaries, joined by dots."""
    keys = []
    for key, child in node.items():
        keys += [f"{key}.{below}" for below in _keys(child)] if isinstance(child, Mapping) else [str(key)]
    return keys


def _known_keys() -> list[str]:
    schemas = {"": config.TrainConfig, "data.": config.DataConfig, "tracking.": config.TrackingConfig}
    return [prefix + field.name for prefix, schema in schemas.items() for field in fields(schema)]


def _preset_mode(*, _root_: DictConfig) -> str | None:
    """Return Hydra's mode of a preset that sweeps; None leaves the choice to what is typed."""
    return "MULTIRUN" if OmegaConf.select(_root_, "hydra.sweeper.params") else None

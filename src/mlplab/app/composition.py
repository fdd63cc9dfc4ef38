"""Turns Hydra's composed config into the checked dataclass, and Hydra's errors into one sentence each."""

import logging
import re
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, InterpolationResolutionError, OmegaConfBaseException

from mlplab import config
from mlplab.app.own_network import require_makeable
from mlplab.errors import ConfigError
from mlplab.known_keys import known_keys, unknown_key
from mlplab.network_config import OF_MLP, TARGET, short_target
from mlplab.paths import CONF, PROJECT_ROOT, choices_of, conf_folders
from mlplab.store.uri import hide_password

log = logging.getLogger(__name__)

# What Hydra says of several values without -m; and of a wrong type, and what it means.
_SWEPT = re.compile(r"Ambiguous value for argument '(.+?)'\n|Sweep parameters? '(.+?)' requires --multirun")
_IN_PRESET = re.compile(r"In '(.+?)': \w+ raised while composing config")
_CHOICES = re.compile(r"expected one of \[(.+)\]")
_REASONS = {
    "could not be converted to Integer": "takes a whole number, such as 1 (without a point or an exponent)",
    "could not be converted to Float": "takes a number, such as 0.1 or 1e-3",
    "is not a valid bool": "takes true or false",
    "is not a ListConfig": "takes a list, such as [500,250,100]",
    "is not Optional": "needs a value; leave it out for the default",
}
_REQUIRED = {option.name for option in fields(config.TrainConfig)} - {"data", "tracking", "network"}


def register() -> None:
    """Register the schema with Hydra, and the resolvers that conf/ uses with OmegaConf."""
    schema = OmegaConf.structured(config.TrainConfig)
    for any_name in (schema.tags, schema.network):
        OmegaConf.set_struct(any_name, False)  # Hydra refuses new keys elsewhere; here any name may be typed
    ConfigStore.instance().store(name="schema", node=schema)
    OmegaConf.register_new_resolver("project_root", lambda: str(PROJECT_ROOT), replace=True)
    OmegaConf.register_new_resolver("preset_mode", _preset_mode, replace=True)


def read_config(composed: DictConfig) -> config.TrainConfig:
    """Turn Hydra's composed config (without its ``hydra`` part) into a checked dataclass.

    Raises:
        ConfigError: a key is unknown, or a value is missing, has the wrong type or is out of bounds.
    """
    for group, field in (("data", "name"), ("tracking", "experiment"), ("network", TARGET)):
        chosen = None if OmegaConf.is_missing(composed, group) else composed.get(group)
        if chosen is None or OmegaConf.is_missing(chosen, field):
            raise ConfigError(f"{group}=null: takes a choice; `--help` lists them")
    known, given = known_keys(), _keys(OmegaConf.to_container(composed, resolve=False))
    for key in _REQUIRED - {str(key) for key in composed}:
        raise ConfigError(f"~{key}: every run has it; leave that out for the default, or write {key}=VALUE")
    for key in given:
        if key not in known and not key.startswith(("tags.", "network.")):  # Hydra lets `+key=value` add any
            raise ConfigError(unknown_key(key, known_keys()))
    try:
        typed = OmegaConf.to_object(composed)
    except OmegaConfBaseException as error:
        raise ConfigError(explain(error)) from error
    assert isinstance(typed, config.TrainConfig)
    if typed.data.path is not None:
        typed.data.path = _absolute(typed.data.path)
    if typed.tracking.uri is not None:
        typed.tracking.uri = hide_password(typed.tracking.uri)
    require_makeable(typed.network)
    _warn_of_ignored(composed, typed)
    return typed


def _absolute(path: str) -> str:
    """Return a path of data as a run on any machine takes it: not from where it happens to work."""
    try:
        return str(Path(path).expanduser().absolute())
    except RuntimeError as error:  # ~ of nobody
        raise ConfigError(f"data.path={path}: cannot be a path ({error}); take another") from error


def _warn_of_ignored(composed: DictConfig, typed: config.TrainConfig) -> None:
    """Warn of what was set of the mlp, where the network is another: a sweep over networks may set it for one."""
    if typed.has_mlp:
        return
    defaults = OmegaConf.load(CONF / "train.yaml")
    assert isinstance(defaults, DictConfig)
    for key in OF_MLP:
        if composed[key] != defaults[key]:
            _warn_once(f"{key}={composed[key]}: has no effect on network={short_target(typed.network[TARGET])}")


@cache  # of a sweep each job is read
def _warn_once(text: str) -> None:
    log.warning("%s", text)


def explain(error: HydraException | OmegaConfBaseException) -> str:
    """Return one sentence that names the wrong key, its value and the remedy."""
    if isinstance(error, MissingConfigException) and str(error.missing_cfg_file).startswith("experiment/"):
        value = str(error.missing_cfg_file).removeprefix("experiment/")
        return f"experiment={value}: no such preset; choose from {', '.join(choices_of('experiment'))}"
    if isinstance(error, MissingConfigException) and error.options:
        group, _, value = str(error.missing_cfg_file).rpartition("/")
        return f"{group}={value}: no such choice; choose from {', '.join(error.options)}"
    if isinstance(error, MissingConfigException) and "primary" not in str(error):
        return unknown_key(str(error.missing_cfg_file).partition("/")[0], known_keys())
    if isinstance(error, OverrideParseException):
        key, _, value = str(error.override).partition("=")
        if value.endswith(","):
            return f"{error.override}: a value is missing after the last comma"
        return f"{error.override}: cannot be read; put the value into two pairs of quotes, as in {key}='\"TEXT\"'"
    if swept := _SWEPT.search(str(error)):
        typed = swept[1] or swept[2]
        key, _, value = typed.partition("=")
        return f"{typed}: makes a sweep of several runs: add -m; one text with commas is written {key}='\"{value}\"'"
    if preset := _IN_PRESET.match(str(error)):
        named = error.__cause__ or error.__context__
        if isinstance(named, ConfigKeyError) and str(named.full_key) == "experiment":
            return f"conf/{preset[1]}.yaml: is no preset; its first line is `# @package _global_`, then key: value"
        why = explain(named) if isinstance(named, OmegaConfBaseException) else _first_line(error)
        return f"conf/{preset[1]}.yaml: {why}"
    cause = error if isinstance(error, OmegaConfBaseException) else error.__cause__
    if isinstance(cause, ConfigAttributeError | ConfigKeyError):
        if str(cause.full_key) == "hydra.launcher.n_jobs":
            return "hydra.launcher.n_jobs: is of hydra/launcher=joblib; add that"
        return unknown_key(str(cause.full_key), known_keys())
    if isinstance(cause, InterpolationResolutionError):
        return f"{cause.full_key}: cannot be resolved ({_first_line(cause).rpartition('interpolation: ')[2]})"
    if isinstance(cause, OmegaConfBaseException):
        where = f"{cause.full_key}={'null' if cause.value is None else cause.value}: " if cause.full_key else ""
        return f"{where}{_reason(cause)}; `--help` explains every key"
    return " ".join(str(error).split())


def _reason(error: Exception) -> str:
    said = _first_line(error)
    if choices := _CHOICES.search(said):
        *others, last = choices[1].split(", ")
        return f"takes {', '.join(others)} or {last}"
    return next((ours for theirs, ours in _REASONS.items() if theirs in said), said)


def unreadable_preset() -> str:
    """Say which file of conf/ is not text."""
    for path in sorted(path for folder in conf_folders() for path in folder.rglob("*.yaml")):
        try:
            path.read_text(encoding="utf-8")
        except ValueError as error:
            return f"{path}: is no text in UTF-8 ({error}); save it as UTF-8"
    return "a file of --config-dir: is no text in UTF-8; save it as UTF-8"


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0].rstrip(".")


def _keys(node: Any) -> list[str]:
    """Return the names of all keys of nested dictionaries, joined by dots."""
    keys = []
    for key, child in node.items():
        keys += [f"{key}.{below}" for below in _keys(child)] if isinstance(child, Mapping) else [str(key)]
    return keys


def _preset_mode(*, _root_: DictConfig) -> str | None:
    """Return Hydra's mode of a preset that sweeps; None leaves the choice to what is typed."""
    return "MULTIRUN" if OmegaConf.select(_root_, "hydra.sweeper.params") else None

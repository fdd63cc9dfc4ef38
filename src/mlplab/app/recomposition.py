"""A recorded config as today's code takes it."""

import inspect
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mlplab.app import composition
from mlplab.config import CARRYING_OUT, MAKING_UP, TrainConfig
from mlplab.errors import ConfigError
from mlplab.flat_config import flatten
from mlplab.known_keys import known_keys, unknown_key
from mlplab.network_config import MLP, TARGET, TARGET_KEY, is_mlp
from mlplab.rerun.recorded import Recorded

_GROUPS = ("data", "network", "tracking", "experiment", "early_stopping", "tags")
_BEFORE = {"diagnostics": False}  # what code did before there was the key, where that is not today's default


@dataclass(frozen=True)
class Recomposed:
    """A recorded run, for today's code.

    Attributes:
        then: its config; what it does not have is as it is by default today.
        now: likewise, with what was typed.
        notes: what is to be known of that.
    """

    then: TrainConfig
    now: TrainConfig
    notes: list[str]


def recompose(recorded: Recorded, defaults: DictConfig, typed: Sequence[str], uri: str | None) -> Recomposed:
    """Return the config of a run as today's code takes it.

    Args:
        recorded: the run.
        defaults: of every key today.
        typed: key=value, which come last.
        uri: of the store, which has the run.

    Raises:
        ConfigError: today's code cannot take it, or a typed key is wrong.
    """
    _require_known(recorded)
    _require_trusted(recorded.config.get("network") or {TARGET: MLP})
    base = OmegaConf.merge(defaults, {"tracking": {"uri": uri}})
    assert isinstance(base, DictConfig)
    OmegaConf.set_struct(base, False)
    notes: list[str] = []
    kept = _kept(recorded.config, str(defaults.data.root), notes)
    for group in ("network", "tags"):
        if group in kept:
            base[group] = {}  # which the run's own replaces, and does not add to
    try:
        then = OmegaConf.merge(base, kept)
        now = OmegaConf.merge(then, OmegaConf.from_dotlist([_checked(text) for text in typed]))
    except OmegaConfBaseException as error:
        raise ConfigError(f"{recorded.run_id}: {composition.explain(error)}") from error
    assert isinstance(then, DictConfig)
    assert isinstance(now, DictConfig)
    _take_the_cpu_for_another_engine(now, typed)
    before, after = composition.read_config(then), composition.read_config(now)
    return Recomposed(before, after, [*_defaulted(recorded, before), *notes])


def _require_known(recorded: Recorded) -> None:
    known = {key.partition(".")[0] for key in known_keys()} | {"network", "tags"}
    leaves = {*recorded.config} | {f"data.{key}" for key in recorded.config.get("data") or {}}
    for key in sorted(leaves):
        if key.partition(".")[0] not in known or (key.startswith("data.") and key not in known_keys()):
            raise ConfigError(
                f"{recorded.run_id}: was made by code that had a key {key}, and today's has none; "
                "--checkout runs it with the code of its commit"
            )


def _kept(config: Mapping[str, Any], default_root: str, notes: list[str]) -> dict[str, Any]:
    """Return what describes the run: not how it was carried out, nor as which member of a sweep."""
    apart = {*CARRYING_OUT, *MAKING_UP, "tracking"}
    kept = {**_BEFORE, **{key: value for key, value in config.items() if key not in apart}}
    tracking = config.get("tracking") or {}
    kept["tracking"] = {key: tracking[key] for key in ("experiment", "run_name") if key in tracking}
    root = (kept.get("data") or {}).get("root")
    if isinstance(root, str) and root != default_root and not Path(root).is_dir():
        notes.append(f"data.root={root} is not here: {default_root} is taken")
        kept["data"] = {key: value for key, value in kept["data"].items() if key != "root"}
    return kept


def _checked(text: str) -> str:
    """Return a typed key=value. Raises ConfigError: it is none that makes a run another one."""
    key, separator, value = text.partition("=")
    if not separator or not value or key in _GROUPS:
        raise ConfigError(f"{text}: takes a single key of a run and its value, such as engine=torch; see `--help`")
    if key not in known_keys() and not key.startswith("network."):
        raise ConfigError(unknown_key(key, [*known_keys(), "tolerance"]))
    if key in {*CARRYING_OUT, *MAKING_UP} or key.startswith("tracking."):
        raise ConfigError(f"{text}: says nothing of what a run computes; leave it out")
    return text


def _take_the_cpu_for_another_engine(config: DictConfig, typed: Sequence[str]) -> None:
    """Let another engine compute on the CPU, unless a device was typed: it may not know the recorded one."""
    keys = {text.partition("=")[0] for text in typed}
    if "engine" in keys and "device" not in keys:
        config["device"] = "cpu"


def _defaulted(recorded: Recorded, settings: TrainConfig) -> list[str]:
    """Say which keys of a result the run has not recorded, because its code did not have them."""
    had = {*_flat(recorded.config), *_BEFORE}
    missing = {
        key: value
        for key, value in flatten(settings).items()
        if key not in had and not key.startswith(("tracking.", "network.")) and value is not None
    }
    if not missing:
        return []
    words = ", ".join(f"{key}={value}" for key, value in missing.items())
    return [f"the code of then had no key for {words}: today's default is taken"]


def _flat(config: Mapping[str, Any], prefix: str = "") -> list[str]:
    keys = []
    for key, value in config.items():
        keys += _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [f"{prefix}{key}"]
    return keys


def _require_trusted(network: Mapping[str, Any]) -> None:
    """Raise ConfigError if the record names something to call that is no network: anybody may write into a store."""
    if is_mlp(network):
        return
    target = str(network.get(TARGET))
    if _names_a_class([value for key, value in network.items() if key != TARGET]):
        raise ConfigError(f"{TARGET_KEY}={target}: its arguments name classes of their own; type the run's command")
    try:
        found = pkgutil.resolve_name(target)
    except Exception:  # composition says what is wrong with it
        return
    if inspect.isclass(found):
        is_network = any(base.__module__ == "torch.nn.modules.module" for base in found.__mro__)
    else:  # a function that makes one, from somebody's own file
        root = str(getattr(found, "__module__", None)).partition(".")[0]
        is_network = root not in sys.stdlib_module_names and root not in packages_distributions()
    if not is_network:
        raise ConfigError(f"{TARGET_KEY}={target}: is no torch.nn.Module; what a store names is not called otherwise")


def _names_a_class(value: object) -> bool:
    if isinstance(value, Mapping):
        return TARGET in value or any(map(_names_a_class, value.values()))
    return isinstance(value, list) and any(map(_names_a_class, value))

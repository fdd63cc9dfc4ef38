"""What was typed, before Hydra reads it: flags may stand anywhere, and nothing that Hydra would ignore passes.

Hydra's parser takes flags before the keys only, answers a mistake with its usage, and unpickles what is given to
``--experimental-rerun``.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from mlplab.app.hydra_keys import require_read
from mlplab.commands import typed_command
from mlplab.config import TrainConfig
from mlplab.errors import ConfigError
from mlplab.store.uri import public
from mlplab.terminal import say_on_stderr

SWEEP = ("-m", "--multirun")
HELP = ("-h", "--help")
_COMPLETING = ("-sc", "--shell-completion")
_SWITCHES = (
    *SWEEP, *HELP, "-r", "--run", "--hydra-help", "--resolve", "-i", "--info", *_COMPLETING,
)  # fmt: skip
_CHOICES = {
    **dict.fromkeys(("-c", "--cfg"), ("job", "hydra", "all")),
    **dict.fromkeys(("-i", "--info"), ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")),
}
_MODES = (*SWEEP, "-r", "--run", "-c", "--cfg", "-i", "--info")
_FOLDERS = ("-cd", "--config-dir")
_REFUSED = {
    **dict.fromkeys(
        ("-cn", "--config-name", "-cp", "--config-path"),
        "there is one config, conf/train.yaml; write a preset, conf/experiment/NAME.yaml, and type experiment=NAME",
    ),
    **dict.fromkeys(("-p", "--package"), "keys have one place here; leave it out"),
    "--experimental-rerun": "it runs whatever is in the file; type the run's own keys again, see its config.yaml",
}
_GROUPS = ("data", "network", "tracking", "experiment")
_NEEDED = ("data", "network", "tracking")
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_ACTIONS, _SHELLS = ("install", "uninstall", "query"), ("bash", "zsh", "fish")


@dataclass(frozen=True)
class Typed:
    """The flags, each with its value, and the overrides (``key=value``), each in the order in which it was typed."""

    flags: list[str]
    overrides: list[str]

    @property
    def is_sweep(self) -> bool:
        """Whether -m was typed."""
        return any(flag in SWEEP for flag in self.flags)


def arrange(typed: Sequence[str]) -> Typed:
    """Sort what was typed for Hydra.

    Raises:
        ConfigError: a flag or an override cannot be what the user wants.
    """
    arranged = Typed([], [])
    rest = iter(typed)
    for text in rest:
        if text in SWEEP:
            if not arranged.is_sweep:
                arranged.flags.append(text)
        elif text.startswith("-") and text != "-":
            arranged.flags.extend(_read_flag(text, rest))
        elif arranged.flags[-1:] in (["-i"], ["--info"]) and text in _CHOICES["--info"]:
            arranged.flags.append(text)
        elif text:
            arranged.overrides.append(text)
    if set(_COMPLETING) & set(arranged.flags):
        _require_completion(arranged.overrides)
        return arranged
    modes = [flag for flag in arranged.flags if flag in _MODES]
    if len(modes) > 1:
        raise ConfigError(f"{' '.join(modes)}: contradict each other; take one")
    if "--resolve" in arranged.flags and not {"-c", "--cfg"} & set(arranged.flags):
        raise ConfigError("--resolve: says how to print the config; type --cfg job --resolve")
    overrides = [_read_override(text) for text in arranged.overrides]
    warn_of_repeated(overrides)
    if arranged.flags[-1:] in (["-i"], ["--info"]):
        arranged.flags.append("all")  # its default; otherwise Hydra would take the first key for its value
    return Typed(arranged.flags, overrides)


def _read_flag(text: str, rest: Iterator[str]) -> list[str]:
    name, separator, value = text.partition("=")
    if name in _REFUSED:
        raise ConfigError(f"{name}: is not taken: {_REFUSED[name]}")
    if text in _SWITCHES:
        return [text]
    if name in _CHOICES or name in _FOLDERS:
        value = value if separator else next(rest, "")
        if name in _CHOICES and value not in _CHOICES[name]:
            raise ConfigError(f"{name} {value}".rstrip() + f": takes one of {', '.join(_CHOICES[name])}")
        if name in _FOLDERS and not Path(value).expanduser().is_dir():
            raise ConfigError(f"{name} {value}".rstrip() + ": no such folder; take one that holds presets")
        return [name, str(Path(value).expanduser())] if name in _FOLDERS else [name, value]
    raise ConfigError(_unknown_flag(text, next(rest, "")))


def _unknown_flag(text: str, following: str) -> str:
    name, _, value = text.partition("=")
    key = name.lstrip("-").replace("-", "_")
    kinds = {option.name: option.type for option in fields(TrainConfig)}
    if key not in kinds:
        close = difflib.get_close_matches(name, [*_SWITCHES, *_CHOICES, *_FOLDERS], n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        return f"{name}: no such flag; {hint}keys are written key=value, and `--help` lists both"
    shown = text
    if not value and following and "=" not in following and not following.startswith("-"):
        value, shown = following, f"{text} {following}"
    if not value:
        value = "true" if kinds[key] is bool else "VALUE"
    return f"{shown}: keys are no flags; write {key}={value}"


def _require_completion(overrides: Sequence[str]) -> None:
    known = [f"{action}={shell}" for action in _ACTIONS for shell in _SHELLS]
    if len(overrides) != 1 or overrides[0] not in known:
        typed = " ".join(["--shell-completion", *overrides])
        raise ConfigError(f"{typed}: takes one of {', '.join(known)}")


def _read_override(text: str) -> str:
    """Return the override in Hydra's grammar, which has no ~ at the beginning of a value, and no < in a condition."""
    key, separator, value = text.partition("=")
    if not separator and not text.startswith("~"):
        known = key in {option.name for option in fields(TrainConfig)}
        raise ConfigError(f"{text}: {'has no value' if known else 'is no key'}; write key=value without spaces")
    if separator and not key:
        raise ConfigError(f"{text}: has no key; write key=value without spaces")
    if key in _GROUPS and value.startswith("["):
        raise ConfigError(f"{text}: takes one choice; for one run each add -m: {key}={value.strip('[]')}")
    if key.lstrip("+") == "report":
        raise ConfigError(
            f"{text}: is no key of a run; `{typed_command('reproduce')} reports={value}` re-runs a report"
        )
    if (key in (*_NEEDED, "hydra") and value in ("null", "")) or text in [f"~{group}" for group in _NEEDED]:
        raise ConfigError(f"{text}: takes a choice; `--help` lists them")
    if key.startswith("hydra.") and separator and not value:
        raise ConfigError(f"{text}: has no value; leave it out for the default")
    if key.startswith("+") and key.lstrip("+").startswith("hydra."):
        require_read(key.lstrip("+"), text)
    if key == "hydra.searchpath":
        raise ConfigError(f"{text}: is not taken; `--config-dir FOLDER` adds a folder of presets")
    if key == "hydra.verbose" and (value == "null" or not value.lstrip("'\"[")[:1].isalpha()):
        raise ConfigError(f"{text}: takes true, false, or a list of loggers")
    is_condition = key.lstrip("+") == "only" and value not in ("", "null") and not _QUOTED.fullmatch(value)
    if value.startswith("~") or is_condition:
        from mlplab.sweeps.manifest import quote_override

        return f"{key}={quote_override(value)}"
    return text


def warn_of_repeated(overrides: Sequence[str]) -> None:
    """Warn of a key that was given twice: the last value counts.

    Raises:
        ConfigError: it is the preset: one replaces the other, and nobody types two for that.
    """
    last: dict[str, str] = {}
    for text in overrides:
        key = text.partition("=")[0].lstrip("+")
        if key in last and last[key] != text and not key.startswith("~"):
            if key == "experiment":
                raise ConfigError(f"{last[key]} {text}: takes one preset; write one of your own in conf/experiment/")
            say_on_stderr(public(f"WARNING: {last[key]}: is ignored, because {text} comes later"))
        last[key] = text

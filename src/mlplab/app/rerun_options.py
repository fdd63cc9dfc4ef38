"""What can be typed after rerun.py and parity.py."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlplab import environment
from mlplab.app.arguments import arrange, warn_of_repeated
from mlplab.app.options import store_uri
from mlplab.config import Engine
from mlplab.errors import ConfigError, StoreAwayError
from mlplab.store.uri import public

if TYPE_CHECKING:
    from mlplab.store.store import Store

NOT_THE_SAME = 3  # exit status of a command whose runs are not the same
OF_ANOTHER_ENGINE = 1e-9  # in float64 two engines agree so far over a run
_FOLDERS = ("-cd", "--config-dir")
_WHAT = "takes a run's id, a sweep's id or best; see `--help`"


@dataclass(frozen=True)
class RerunOptions:
    """What was typed.

    Attributes:
        run: a run's id, a sweep's id, or best; empty where the command takes none.
        tolerance: None for the default.
        checkout: whether the code of then runs.
        config_folder: beside which networks of people's own lie.
        overrides: key=value of a run.
    """

    run: str
    tolerance: float | None
    checkout: bool
    config_folder: Path | None
    overrides: list[str]
    uri: str | None
    experiment: str


def parse_rerun(arguments: Sequence[str]) -> RerunOptions:
    """Return what was typed. Raises ConfigError."""
    words, flags = _split(arguments)
    runs = [word for word in words if "=" not in word]
    if len(runs) != 1:
        raise ConfigError(f"{' '.join(runs) or 'nothing typed'}: {_WHAT}")
    keys = [word for word in words if "=" in word]
    warn_of_repeated(keys)
    own = {key: value for key, _, value in (word.partition("=") for word in keys)}
    overrides = [f"{key}={value}" for key, value in own.items() if key not in _OWN]
    tolerance = _tolerance(own["tolerance"]) if "tolerance" in own else None
    folder = Path(flags[_FOLDERS[1]]) if _FOLDERS[1] in flags else None
    uri, experiment = store_uri(own.get("tracking.uri")), own.get("tracking.experiment", "mlplab")
    checkout = "--checkout" in flags
    if checkout and overrides:
        raise ConfigError(
            f"{' '.join(overrides)}: --checkout runs what was recorded, with the code of then; leave one out"
        )
    return RerunOptions(runs[0], tolerance, checkout, folder, overrides, uri, experiment)


_OWN = ("tolerance", "tracking.uri", "tracking.experiment")


def _split(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return words, and flags with their values."""
    words, flags, rest = [], {}, iter(arguments)
    for text in rest:
        name, separator, value = text.partition("=")
        if name in _FOLDERS:
            flags[_FOLDERS[1]] = value if separator else next(rest, "")
            if not Path(flags[_FOLDERS[1]] or "/nowhere/").is_dir():
                raise ConfigError(f"{name} {flags[_FOLDERS[1]]}: no such folder; name the one that has your presets")
        elif text == "--checkout":
            flags[text] = ""
        elif text.startswith("-"):
            raise ConfigError(f"{text}: no such flag; there are --checkout and --config-dir FOLDER, see `--help`")
        elif text:
            words.append(text)
    return words, flags


def _tolerance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ConfigError(f"tolerance={text}: takes a number, 0 (bit by bit) or more, such as 1e-9")
    return value


def existing_store(options: RerunOptions) -> "Store":
    """Return the store that has the runs.

    Raises:
        StoreAwayError: it does not answer.
        StoreError: there is no such store, or experiment.
    """
    from mlplab.tracking.reading import read_existing

    environment.imports_are_done()
    reading = read_existing(options.uri, options.experiment)
    if reading.is_stand_in:
        where = public(options.uri or "the store")
        raise StoreAwayError(f"tracking.uri={where}: does not answer, and only it knows what has run; start it")
    return reading.store


@dataclass(frozen=True)
class ParityOptions:
    """What was typed.

    Attributes:
        engines: beside that of NumPy.
        tolerance: in float64.
        overrides: key=value of a run.
    """

    engines: Sequence[Engine]
    tolerance: float
    overrides: list[str]


def parse_parity(arguments: Sequence[str]) -> ParityOptions:
    """Return what was typed. Raises ConfigError."""
    typed = arrange(arguments)
    if typed.flags:
        raise ConfigError(f"{' '.join(typed.flags)}: is no flag of this command, which takes key=value; see `--help`")
    engines: list[Engine] = [one for one in Engine if one is not Engine.numpy]
    tolerance, overrides = OF_ANOTHER_ENGINE, []
    for text in typed.overrides:
        key, _, value = text.partition("=")
        if key == "tolerance":
            tolerance = _tolerance(value)
        elif key == "engine":
            engines = [_other_engine(value)]
        elif key in ("dtype", "resume"):
            raise ConfigError(f"{text}: both float64 and float32 are compared, from the beginning; leave it out")
        else:
            overrides.append(text)
    return ParityOptions(engines, tolerance, overrides)


def _other_engine(name: str) -> Engine:
    others = [str(one) for one in Engine if one is not Engine.numpy]
    if name not in others:
        raise ConfigError(f"engine={name}: is compared with numpy; takes one of {', '.join(others)}")
    return Engine(name)

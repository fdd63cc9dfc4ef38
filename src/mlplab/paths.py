"""The project's folders: conf/, the store and the outputs are relative to these, not to the working directory.

In a checkout all of them lie in it. Where the package is installed, conf/ lies in the package, and everything that is
written lies in the current folder, or in the one that MLPLAB_HOME names.
"""

import os
from pathlib import Path

from mlplab.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent
_VARIABLE = "MLPLAB_HOME"
SOURCE = _PACKAGE.parent  # what a process elsewhere imports: it lies at the same place on every machine
CHECKOUT = SOURCE.parent if (SOURCE / "train.py").is_file() else None  # a script that is never installed
CONF = _PACKAGE / "conf" if CHECKOUT is None else CHECKOUT / "conf"


def _find_root() -> Path:
    named = os.environ.get(_VARIABLE)
    if named:
        return Path(os.path.expanduser(named)).resolve()
    return CHECKOUT or Path.cwd()


PROJECT_ROOT = _find_root()
OWN_CONF = PROJECT_ROOT / "conf"  # where people's own presets are, beside CONF; in a checkout it is the same


def require_root() -> None:
    """Raise ConfigError if MLPLAB_HOME names no folder, or the folder has a config that ours could be taken for."""
    if not PROJECT_ROOT.is_dir():
        raise ConfigError(f"{_VARIABLE}={PROJECT_ROOT}: no such folder; make it, or name another")
    if OWN_CONF != CONF and (OWN_CONF / "train.yaml").exists():
        raise ConfigError(
            f"{OWN_CONF / 'train.yaml'}: would replace every key's default; make a preset of it, "
            f"conf/experiment/NAME.yaml, or name another folder with {_VARIABLE}"
        )


def conf_folders() -> list[Path]:
    """Return the folders with presets, in the order in which they are searched."""
    return [CONF] if OWN_CONF == CONF or not OWN_CONF.is_dir() else [OWN_CONF, CONF]


def choices_of(group: str) -> list[str]:
    """Return what a group of conf/ can be, such as ``experiment``: paths without their ending, sorted."""
    folders = [folder / group for folder in conf_folders()]
    return sorted(
        {path.relative_to(folder).with_suffix("").as_posix() for folder in folders for path in folder.rglob("*.yaml")}
    )


def worker_variables() -> dict[str, str]:
    """Return the variables with which a process of a launcher imports this code, and finds this project."""
    code = _python_path()
    return {_VARIABLE: str(PROJECT_ROOT), **({"PYTHONPATH": code} if code else {})}


def _python_path() -> str:
    """Return where a launcher's processes look for code first: ours, if not installed, then what this one was told."""
    ours = [] if CHECKOUT is None else [str(SOURCE)]
    told = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(dict.fromkeys([*ours, *filter(None, told)]))


def portable(path: Path) -> str:
    """Return a path in the form in which it is recorded: relative to the project if it lies there, which may move."""
    absolute = path.absolute()
    return absolute.relative_to(PROJECT_ROOT).as_posix() if absolute.is_relative_to(PROJECT_ROOT) else str(absolute)


def from_portable(text: str) -> Path:
    """Return the path, absolute, that :func:`portable` recorded, where the project lies now."""
    return PROJECT_ROOT / text  # an absolute one stays as it is

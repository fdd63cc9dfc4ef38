"""The project's folders: conf/, the store and the outputs are relative to these, not to the working directory."""

import os
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]
SOURCE = PROJECT_ROOT / "src"  # what a process elsewhere imports: it lies at the same place on every machine
CONF = PROJECT_ROOT / "conf"


def python_path() -> str:
    """Return where a launcher's processes look for code first: ours, then what this process was told."""
    told = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(dict.fromkeys([str(SOURCE), *filter(None, told)]))


def portable(path: Path) -> str:
    """Return a path in the form in which it is recorded: relative to the project if it lies there, which may move."""
    absolute = path.absolute()
    return absolute.relative_to(PROJECT_ROOT).as_posix() if absolute.is_relative_to(PROJECT_ROOT) else str(absolute)


def from_portable(text: str) -> Path:
    """Return the path, absolute, that :func:`portable` recorded, where the project lies now."""
    return PROJECT_ROOT / text  # an absolute one stays as it is

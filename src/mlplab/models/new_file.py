"""A file that people ask for: there whole or not at all, and never in the place of another."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlplab.errors import ConfigError


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give the block an empty file to fill, which appears at ``path`` when the block has ended without an error.

    Raises:
        ConfigError: there is something already, or it cannot be written.
    """
    require_nothing_at(path)
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            os.chmod(name, 0o666 & ~_umask())  # as any file of the user's
            os.close(descriptor)
            yield Path(name)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"out={path}: cannot be written ({reason}); choose another place, or free space") from error


def require_nothing_at(path: Path) -> None:
    """Raise ConfigError if there is something at the path."""
    if os.path.lexists(path):
        raise ConfigError(f"out={path}: exists already; remove it, or choose another name")


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask

"""A file that people ask for: there whole or not at all, and never in the place of another."""

import os
import shutil
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
            _give_name(Path(name), path)
        finally:
            os.unlink(name)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"out={path}: cannot be written ({reason}); choose another place, or free space") from error


def _give_name(whole: Path, path: Path) -> None:
    """Let the file have this name too. Raises ConfigError where something has it by now."""
    try:
        try:
            os.link(whole, path)  # unlike a renaming, it replaces nothing
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            _copy(whole, path)
    except FileExistsError as error:
        raise _exists(path) from error


def _copy(whole: Path, path: Path) -> None:
    with whole.open("rb") as source, path.open("xb") as target:
        try:
            shutil.copyfileobj(source, target)
            target.flush()  # a disk that is full says so here
        except BaseException:
            path.unlink()
            raise


def require_nothing_at(path: Path) -> None:
    """Raise ConfigError if there is something at the path."""
    if os.path.lexists(path):
        raise _exists(path)


def _exists(path: Path) -> ConfigError:
    return ConfigError(f"out={path}: exists already; remove it, or choose another name")


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask

"""Files that may be something else, and folders that may be full."""

import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import BinaryIO

_ROOM = 64 * 1024  # Hydra's files and the log of a run take 10 to 20 KiB


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading, without waiting: a pipe without a writer would block for ever.

    Raises:
        OSError: it does not exist, cannot be read, or is no regular file.
    """
    at_once = getattr(os, "O_NONBLOCK", 0)  # Windows has none, and no pipes among its files
    descriptor = os.open(path, os.O_RDONLY | at_once | getattr(os, "O_BINARY", 0))
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "is no regular file", str(path))


def make_folder_with_room(folder: Path) -> None:
    """Create the folder if it does not exist, and make sure that it takes a few small files.

    Raises:
        OSError: it cannot be created, or does not take them; it names the folder, which is gone if it is new.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(_ROOM))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        if is_new:
            folder.rmdir()
        raise OSError(error.errno, error.strerror, str(folder)) from error

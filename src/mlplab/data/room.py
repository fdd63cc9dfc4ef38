"""Whether data has room in memory, asked before it is loaded."""

import psutil

from mlplab.errors import UnusableHereError

INPUT_BYTES = 4  # of a number as the network takes it, in float32


def require_room(needed: float, where: str, remedy: str) -> None:
    """Raise UnusableHereError if so many bytes of memory are not free.

    Args:
        needed: at the least.
        where: names the data.
        remedy: what to do about it.
    """
    free = psutil.virtual_memory().available + psutil.swap_memory().free
    if needed > free:
        raise UnusableHereError(
            f"{where}: needs {needed / 1e9:,.1f} GB of memory at the least, and {free / 1e9:,.1f} GB are free; "
            f"{remedy}"
        )

"""The sign of life that a run gives to other machines, which cannot see its process.

Clocks of two machines may differ by any amount, so that the time in it is never compared with another machine's: who
looks notes what he saw and when, by his own clock, and sees later whether it has changed.
"""

import time

SECONDS = 60.0
SILENCE_SECONDS = 15 * 60.0  # longer than a server takes to restart


def beat() -> str:
    """Return the value of the tag, the time now: seconds since 1970."""
    return f"{time.time():.0f}"


def look_at(heartbeat: str, observer: str, before: str | None) -> tuple[str, float]:
    """Return the note to keep of this look, and for how many seconds the heartbeat has been the same.

    Args:
        heartbeat: the value of the tag.
        observer: the machine that looks.
        before: the note of the last look, if there is one.
    """
    now = time.time()
    if before is not None:
        seen, by, since = before.rsplit("@", 2)
        if (seen, by) == (heartbeat, observer) and float(since) <= now:
            return before, now - float(since)
    return f"{heartbeat}@{observer}@{now:.0f}", 0.0

"""The sign of life that a run gives to other machines, which cannot see its process.

Clocks of two machines may differ by any amount, so that the time in it is never compared with another machine's: who
looks notes what he saw and when, by his own clock, and sees later whether it has changed.
"""

import time
from dataclasses import dataclass, replace

SILENCE_SECONDS = 15 * 60.0  # longer than a server takes to restart
# Right after an outage every run has been silent, and the first to look may be faster than its next sign of life.
DOUBT_SECONDS = 3 * 60.0


def beat() -> str:
    """Return the value of the tag, the time now: seconds since 1970."""
    return f"{time.time():.0f}"


@dataclass(frozen=True)
class Observation:
    """What one machine knows of the heartbeat of a run on another, in seconds of its own clock since 1970.

    Attributes:
        heartbeat: as last seen.
        since: when it was first seen so.
        doubted: when it was first seen to be silent for too long; 0.0 if it was not.
    """

    heartbeat: str
    since: float
    doubted: float = 0.0

    @classmethod
    def from_note(cls, note: str) -> "Observation":
        """Return what :meth:`note` wrote."""
        heartbeat, since, doubted = note.rsplit("@", 2)
        return cls(heartbeat, float(since), float(doubted))

    def note(self) -> str:
        """Return the value of a tag of the run, for the next look."""
        return f"{self.heartbeat}@{self.since:.0f}@{self.doubted:.0f}"

    @property
    def is_of_a_dead_run(self) -> bool:
        """Whether the run was silent for SILENCE_SECONDS, and still was DOUBT_SECONDS after that was seen."""
        return 0.0 < self.doubted <= time.time() - DOUBT_SECONDS


def look_at(heartbeat: str, before: Observation | None) -> Observation:
    """Return the observation after another look, which found this heartbeat."""
    now = time.time()
    if before is None or before.heartbeat != heartbeat or before.since > now:
        return Observation(heartbeat, now)
    if before.doubted or now - before.since <= SILENCE_SECONDS:
        return before
    return replace(before, doubted=now)

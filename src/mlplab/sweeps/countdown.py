"""The progress of a sweep that runs in other processes: its members, and the time left.

In a terminal each member has a line that is kept up to date, elsewhere a line is printed when one begins or ends.
"""

import threading
import time
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from mlplab.schema import State
from mlplab.sweeps.following import FollowedMembers, MemberProgress
from mlplab.terminal import count_of, format_duration, has_or_have, say

POLL_SECONDS = 0.5
MOST_SHARE = 20  # journals that take t seconds to read are read again after 20 t
LEAST_SHARE = 0.01  # of the work: before, no time left is foretold
_OWN_LINES = 3  # below the members


class Countdown:
    """Shows the progress of a sweep, as a context manager."""

    def __init__(self, members: FollowedMembers) -> None:
        """Show these members until all have ended."""
        self._followed = members
        self._shown = {member.job.number: State.new for member in members.members}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._start = time.monotonic()
        console = Console()
        # No thread of rich's own refreshes it: an error of a terminal that has gone must come up here.
        has_screen = console.is_terminal
        self._live = Live(console=console, auto_refresh=False, transient=True) if has_screen else None

    def __enter__(self) -> "Countdown":
        if self._live is not None:
            try:
                self._live.start()
            except OSError:
                self._live = None
        self._show()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._followed.read()
        self._show()
        if self._live is not None:
            try:
                self._live.stop()
            except OSError:  # the terminal has gone
                self._live = None

    def _watch(self) -> None:
        pause = POLL_SECONDS
        while not self._over.wait(pause):
            asked = time.monotonic()
            self._followed.read()
            self._show()
            pause = max(POLL_SECONDS, MOST_SHARE * (time.monotonic() - asked))

    def _show(self) -> None:
        try:
            for member in self._followed.members:
                if member.state is not self._shown[member.job.number]:
                    self._shown[member.job.number] = member.state
                    self._say_change(member)
            if self._live is not None:
                self._live.update(self._screen(self._live.console), refresh=True)
        except OSError:  # the terminal has gone: the work goes on
            self._live = None

    def _say_change(self, member: MemberProgress) -> None:
        if self._live is None:
            say(describe_member(member))
            if member.has_ended and (left := self._time_left()):
                say(left)
        elif member.has_ended:  # above the lines of the others, to stay
            self._live.console.print(Text(describe_member(member)), soft_wrap=True)

    def _time_left(self) -> str:
        members = self._followed.members
        ended = sum(member.has_ended for member in members)
        return (
            ""
            if ended == len(members)
            else time_left(ended, len(members), self._followed.share, time.monotonic() - self._start)
        )

    def _screen(self, console: Console) -> RenderableType:
        """Return a line for each member that has not ended, running ones first, as many as the terminal has room."""
        waiting = [member for member in self._followed.members if not member.has_ended]
        waiting.sort(key=lambda member: member.state is State.new)
        room = max(console.height - _OWN_LINES, 1)
        table = Table(
            Column(no_wrap=True), Column(no_wrap=True, ratio=1), *(Column(no_wrap=True) for _ in range(3)),
            box=None, show_header=False, padding=(0, 2, 0, 0), expand=True,
        )  # fmt: skip
        for member in waiting[:room]:
            table.add_row(*map(Text, cells_of(member)))
        hidden = len(waiting) - room
        more = [Text(f"and {hidden} more")] if hidden > 0 else []
        return Group(table, *more, Text(self._time_left()))


def cells_of(member: MemberProgress) -> list[str]:
    """Return state, name, epoch, loss and test accuracy of a member, as far as they are known."""
    state = "waiting" if member.state is State.new else str(member.state)
    return [
        state,
        member.job.name,
        member.epoch and f"epoch {member.epoch}",
        "" if member.loss is None else f"loss {member.loss:.3f}",
        "" if member.accuracy is None else f"acc {member.accuracy:.3f}",
    ]


def describe_member(member: MemberProgress) -> str:
    """Return the line that says that a member has begun or ended."""
    said = f"{member.job.name}: {member.state}"
    if member.state is State.finished:
        return f"{said}, test accuracy {member.accuracy:.4f} ({member.seconds:.1f} s)"
    if member.state is State.pruned:
        return f"{said} at iteration {member.step:,} ({member.seconds:.1f} s)"
    return f"{said} ({member.error.partition(': ')[0]})" if member.error else said


def time_left(ended: int, total: int, share: float, seconds: float) -> str:
    """Return the line that shows the progress of a sweep, a share of which is done after so many seconds.

    >>> time_left(3, 12, 0.25, 60.0)
    '3 of 12 runs have ended; about 3 min left'
    """
    progress = f"{ended} of {count_of(total, 'run')} {has_or_have(total)} ended"
    if share < LEAST_SHARE:
        return progress
    return f"{progress}; about {format_duration(seconds / share * (1 - share))} left"

"""A trial: what a disturbed command left, judged by what an undisturbed one leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conftest import Project
from faults.commands import Command, sync
from faults.stores import Kept, find_damage, read_store
from faults.table import Row


@dataclass(frozen=True)
class Undisturbed:
    """What a command leaves in a local store when nothing disturbs it."""

    project: Project
    runs: list[Kept]


@dataclass(frozen=True)
class Place:
    """Where the runs of a trial are: in a store, under an experiment of their own.

    Attributes:
        uri: as typed; perhaps a proxy's.
        direct: of the store itself.
    """

    project: Project
    uri: str
    experiment: str
    direct: str = ""

    def typed(self, words: Sequence[str]) -> list[str]:
        """Return a command's words with the store that it is to use."""
        return [*words, f"tracking.uri={self.uri}", f"tracking.experiment={self.experiment}"]

    def kept(self) -> list[Kept]:
        """Return what the store has, without what differs from place to place."""
        masks = {self.uri: "URI", str(self.project.root): "ROOT", self.experiment: "EXPERIMENT"}
        return read_store(self.direct or self.uri, self.experiment, masks)


def judge(row: Row, expected: Sequence[Kept], found: Sequence[Kept], faults: Sequence[str] = ()) -> list[str]:
    """Judge a trial by what its store has, note it in its row, and return why it did not survive; nothing: it did.

    Args:
        row: of the table.
        expected: what an undisturbed command leaves.
        found: what the disturbed one left.
        faults: what was wrong besides the store, such as an exit status.
    """
    damage = find_damage(expected, found)
    reasons = [*faults, *damage.in_words()]
    row.lost, row.twice, row.ghosts = damage.lost, damage.twice, damage.ghosts
    row.survived = 0 if reasons else row.tried
    return reasons


def statuses(commands: Mapping[str, tuple[Command, int]]) -> list[str]:
    """Return what is wrong with the exit statuses: for each name a command, and the status that it should have."""
    return [f"{name}: {command.text}" for name, (command, right) in commands.items() if command.wait() != right]


def send_rest(project: Project) -> list[str]:
    """Send what still waits; return what is wrong with that."""
    return statuses({"sync": (sync(project), 0)})

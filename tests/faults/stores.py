"""What a store holds of a command, and what is wrong with it beside what an undisturbed command left."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from mlflow import MlflowClient
from mlflow.entities import Run

POINT_OF_TRAINING = "train/loss"
SWEEP_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")  # the date, the time, and four digits by chance

Point = tuple[str, int, str]  # key, step, value; as text, so that nan equals nan


@dataclass(frozen=True)
class Kept:
    """What a store holds of one run.

    Attributes:
        points: all of them but durations, which differ from run to run; how often the store has each.
        clock: when each point of training was made, in seconds since 1970, in order.
    """

    run_id: str
    name: str
    status: str
    points: Counter[Point]
    params: dict[str, str]
    artifacts: frozenset[str]
    clock: tuple[float, ...]


@dataclass
class Damage:
    """What is wrong with a store.

    Attributes:
        lost: points that it lacks.
        twice: points that it has more often than once.
        ghosts: runs that nobody began.
        others: wrong statuses, params and artifacts, in words.
    """

    lost: int = 0
    twice: int = 0
    ghosts: int = 0
    others: list[str] = field(default_factory=list)

    def in_words(self) -> list[str]:
        """Return it in words; nothing if there is none."""
        counts = {"points lost": self.lost, "points twice": self.twice, "runs too many": self.ghosts}
        return [*self.others, *(f"{count} {what}" for what, count in counts.items() if count)]


def read_store(uri: str, experiment: str, masks: Mapping[str, str] | None = None) -> list[Kept]:
    """Return every run of an experiment, oldest first; none if it does not exist.

    Args:
        uri: of the store.
        experiment: its name.
        masks: texts in params that differ from place to place, and what to read instead, one after the other.
    """
    client = MlflowClient(uri)
    existing = client.get_experiment_by_name(experiment)
    if existing is None:
        return []
    found = client.search_runs([existing.experiment_id], max_results=1_000, order_by=["attributes.start_time ASC"])
    return [_read(client, run, masks or {}) for run in found]


def _read(client: MlflowClient, run: Run, masks: Mapping[str, str]) -> Kept:
    history = {key: client.get_metric_history(run.info.run_id, key) for key in run.data.metrics}
    return Kept(
        run.info.run_id,
        _masked(str(run.info.run_name), masks),
        run.info.status,
        Counter(
            (key, point.step, repr(point.value))
            for key, points in history.items()
            if not key.startswith("time/")
            for point in points
        ),
        {key: _masked(value, masks) for key, value in run.data.params.items()},
        frozenset(_artifacts(client, run.info.run_id, None)),
        tuple(sorted(point.timestamp / 1_000 for point in history.get(POINT_OF_TRAINING, []))),
    )


def _artifacts(client: MlflowClient, run_id: str, folder: str | None) -> Iterator[str]:
    for item in client.list_artifacts(run_id, folder):
        if item.is_dir:
            yield from _artifacts(client, run_id, item.path)
        else:
            yield item.path


def _masked(text: str, masks: Mapping[str, str]) -> str:
    for concrete, mask in masks.items():
        text = text.replace(concrete, mask)
    return SWEEP_ID.sub("SWEEP", text)


def find_damage(expected: Sequence[Kept], found: Sequence[Kept]) -> Damage:
    """Compare the runs of a disturbed command with those of an undisturbed one, by name."""
    damage = Damage()
    names = {run.name for run in [*expected, *found]}
    for name in sorted(names):
        right, kept = ([run for run in runs if run.name == name] for runs in (expected, found))
        damage.ghosts += max(0, len(kept) - len(right))
        ours, theirs = (sum((run.points for run in runs), Counter[Point]()) for runs in (right, kept))
        damage.lost += (ours - theirs).total()
        damage.twice += (theirs - ours).total()
        if len(kept) < len(right):
            damage.others.append(f"{name}: {len(kept)} runs of {len(right)}")
        damage.others += [text for run in kept for text in _compare(run, right[:1])]
    return damage


def _compare(kept: Kept, expected: Sequence[Kept]) -> list[str]:
    if not expected:
        return [f"{kept.name}: is no run of this command"]
    right = expected[0]  # of several with one name each has the same config
    pairs = {
        "status": ({right.status}, {kept.status}),
        "params": (right.params.items(), kept.params.items()),
        "artifacts": (right.artifacts, kept.artifacts),
    }
    return [
        f"{kept.name}: {what} {sorted(there - here)} instead of {sorted(here - there)}"
        for what, (here, there) in pairs.items()
        if here != there
    ]


def standstill(expected: Sequence[Kept], found: Sequence[Kept], in_turn: bool) -> float:
    """Return how many seconds training stood still, at most, beyond what is usual.

    The points of training carry the time at which they were made, whenever they reached the store. Between two of them
    an undisturbed command needs some time too; what the disturbed one needed more is the answer, for the worst pair.

    Args:
        expected: the runs of the undisturbed command.
        found: those of the disturbed one.
        in_turn: the runs come one after the other, so that the time from one to the next counts, too.
    """
    usual, seen = (_clocks(runs, in_turn) for runs in (expected, found))
    worst = 0.0
    for name in usual.keys() & seen.keys():
        gaps = zip(_gaps(usual[name]), _gaps(seen[name]), strict=False)
        worst = max([worst, *(slow - fast for fast, slow in gaps)])
    return worst


def _clocks(runs: Sequence[Kept], in_turn: bool) -> dict[str, list[float]]:
    if in_turn:
        return {"": sorted(moment for run in runs for moment in run.clock)}
    return {run.name: list(run.clock) for run in runs}


def _gaps(clock: Sequence[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(clock)]

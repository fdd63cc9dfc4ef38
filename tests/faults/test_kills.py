"""kill -9 at seeded places of a sweep, and then resume=true, which may be killed as well."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.conftest import Zygote, forked
from app.test_resume import PLACES, SWEEP, outcome
from faults.commands import LONG
from faults.table import Row

KILLS = 400 if LONG else 40
Computed = dict[str, Any]  # by run: its status, points and weights


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Zygote]:
    with forked(tmp_path_factory.mktemp("zygote"), empty_store) as zygote:
        yield zygote


@pytest.mark.timeout(3_600 if LONG else 900)
def test_kill_9_loses_no_bit(zygote: Zygote, empty_store: Path, tally: Callable[[str], Row]) -> None:
    assert zygote.run(*SWEEP) == 0, zygote.log
    right = outcome(zygote.project)
    rng, row, faults = random.Random(40), tally("kill -9 anywhere, then resume=true"), []
    row.tried = 0
    while row.tried < KILLS:
        zygote.forget(empty_store)
        kills, status = kill_until_finished(zygote, rng, min(4, KILLS - row.tried))
        row.tried += kills
        if status == 0 and outcome(zygote.project) == right:
            row.survived += kills
        else:
            faults.append(f"after {kills} kills: exit {status}")
        count_damage(row, right, zygote)
    assert not faults, zygote.log[-3_000:]


def kill_until_finished(zygote: Zygote, rng: random.Random, most: int) -> tuple[int, int]:
    """Resume a sweep, which is killed at most so often; return how often it was, and the last exit status."""
    kills = 0
    for _ in range(most):
        place = rng.choice(list(PLACES))
        status = zygote.run(*SWEEP, "resume=true", die_at=(place, rng.randint(1, PLACES[place])))
        if status != -9:  # it did not come to that place any more
            return kills, status
        kills += 1
    return kills, zygote.run(*SWEEP, "resume=true")


def count_damage(row: Row, right: Computed, zygote: Zygote) -> None:
    found = points(outcome(zygote.project))
    row.lost += (points(right) - found).total()
    row.twice += (found - points(right)).total()
    row.ghosts += max(0, len(zygote.project.runs()) - len(right))


def points(computed: Computed) -> Counter[tuple[str, str, int, str]]:
    return Counter(
        (name, key, step, repr(value))
        for name, (_, history, _) in computed.items()
        for key, logged in history.items()
        for step, value in logged
    )

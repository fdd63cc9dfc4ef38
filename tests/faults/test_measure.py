"""The measure itself: what the other tests call damage, they can see."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from faults.links import BY_PROXY
from faults.outages import choose
from faults.stores import Kept, find_damage, standstill
from faults.table import BEGIN, END, Row, as_markdown, as_text, merged, write_between_marks

RIGHT = Kept(
    "1",
    "relu",
    "FINISHED",
    Counter({("train/loss", step, "0.5"): 1 for step in (50, 100, 150)}),
    {"seed": "0"},
    frozenset({"config.yaml"}),
    (10.0, 10.5, 11.0),
)


def test_the_same_is_no_damage() -> None:
    assert find_damage([RIGHT], [RIGHT]).in_words() == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (replace(RIGHT, points=RIGHT.points - Counter({("train/loss", 50, "0.5"): 1})), ["1 points lost"]),
        (replace(RIGHT, points=RIGHT.points + Counter({("train/loss", 50, "0.5"): 1})), ["1 points twice"]),
        (replace(RIGHT, status="RUNNING"), ["relu: status ['RUNNING'] instead of ['FINISHED']"]),
        (replace(RIGHT, params={"seed": "1"}), ["relu: params [('seed', '1')] instead of [('seed', '0')]"]),
        (replace(RIGHT, artifacts=frozenset()), ["relu: artifacts [] instead of ['config.yaml']"]),
    ],
)
def test_each_damage_of_a_run_is_seen(wrong: Kept, words: list[str]) -> None:
    assert find_damage([RIGHT], [wrong]).in_words() == words


def test_a_missing_run_and_a_ghost_are_seen() -> None:
    assert find_damage([RIGHT], []).in_words() == ["relu: 0 runs of 1", "3 points lost"]
    ghost = replace(RIGHT, points=Counter(), status="RUNNING")
    assert find_damage([RIGHT], [RIGHT, ghost]).ghosts == 1


def test_a_value_that_differs_in_its_last_digit_is_a_loss() -> None:
    other = replace(RIGHT, points=Counter({**RIGHT.points, ("train/loss", 50, "0.5000000000000001"): 1}))
    other.points.pop(("train/loss", 50, "0.5"))
    damage = find_damage([RIGHT], [other])
    assert (damage.lost, damage.twice) == (1, 1)


def test_training_stood_still_for_what_the_worst_pair_of_points_needed_more() -> None:
    assert standstill([RIGHT], [replace(RIGHT, clock=(20.0, 20.5, 24.0))], in_turn=True) == pytest.approx(3.0)


def test_rows_of_one_fault_are_added_and_the_longest_standstill_counts() -> None:
    rows = merged([Row("b", 1, 1, still=1.0), Row("a", 1), Row("b", 2, 1, 3, 4, 5, 2.0)])
    assert [row.cells() for row in rows] == [
        ("a", "1", "0", "0", "0", "0", ""),
        ("b", "3", "2", "3", "4", "5", "2.0 s"),
    ]
    assert as_text(rows)[-1].split() == ["all", "4", "2", "3", "4", "5", "2.0", "s"]


def test_the_table_goes_between_the_marks(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_between_marks(file, as_markdown([Row("a", 1, 1)]))
    text = file.read_text()
    assert "| a | 1 | 1 | 0 | 0 | 0 |  |" in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text


def test_each_way_occurs_among_the_outages_and_they_are_always_the_same() -> None:
    chosen = choose(tuple(BY_PROXY), 8, seed=2)
    assert {outage.way for outage in chosen} == set(BY_PROXY)
    assert chosen == choose(tuple(BY_PROXY), 8, seed=2)

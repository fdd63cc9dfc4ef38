"""Runs have the colours of their groups, and choices the same ones everywhere."""

from mlplab.colors import OKABE_ITO, run_colors


def test_groups_are_told_apart_and_seeds_of_one_group_are_not() -> None:
    colors = run_colors(["relu", "tanh", "relu", "tanh"])
    assert colors[:2] == colors[2:]
    assert colors[0] != colors[1]
    assert set(colors) <= set(OKABE_ITO)


def test_an_activation_has_its_colour_alone_and_among_others() -> None:
    assert run_colors(["tanh"]) == run_colors(["sigmoid", "tanh"])[1:]


def test_more_groups_than_colours_have_none() -> None:
    assert set(run_colors([f"lr={i}" for i in range(9)])) == {None}

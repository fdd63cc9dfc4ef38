"""Text for people."""

from mlplab.terminal import count_of


def test_one_thing_is_no_plural() -> None:
    assert [count_of(number, "run") for number in (0, 1, 2, 1_200)] == ["0 runs", "1 run", "2 runs", "1,200 runs"]

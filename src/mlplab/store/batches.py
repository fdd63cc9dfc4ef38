"""How much MLflow takes in one call."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

MOST_VALUES = 1_000  # of metrics
MOST_ENTITIES = 100  # params or tags


def in_batches(items: Sequence[T], most: int) -> Iterator[list[T]]:
    """Yield the items, at most so many at a time."""
    for start in range(0, len(items), most):
        yield list(items[start : start + most])

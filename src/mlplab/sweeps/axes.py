from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    keys: tuple[str, ...]
    values: Sequence[tuple[str, ...]]

"""Predictions in a CSV file, which is there whole or not at all."""

import csv
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlplab.models.new_file import new_file

if TYPE_CHECKING:
    import pandas as pd

CLASS, PROBABILITY = "class", "probability"


@dataclass(frozen=True)
class PredictionFile:
    """Takes predictions, batch by batch.

    Attributes:
        write: takes the cells of one line.
        classes: whose probabilities are written; () for that of the predicted class alone.
    """

    write: Any
    classes: Sequence[str]

    def add(self, names: Iterable[int | str], answers: "pd.DataFrame") -> None:
        """Write what a model answered, ``class`` and ``probabilities``, to rows of these names."""
        for name, label, shares in zip(names, answers["class"], answers["probabilities"], strict=True):
            self.write([name, label, shares[str(label)], *self._others(shares)])

    def _others(self, shares: Mapping[str, float]) -> list[float]:
        return [shares[name] for name in self.classes]


@contextmanager
def prediction_file(path: Path, label: str, classes: Sequence[str]) -> Iterator[PredictionFile]:
    """Give the block a file to fill, which appears at ``path`` when the block has ended without an error.

    Args:
        path: where nothing is yet.
        label: the name of the first column.
        classes: of which each gets a column of its own, too.

    Raises:
        ConfigError: there is something, or it cannot be written.
    """
    with new_file(path) as place, place.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow([label, CLASS, PROBABILITY, *(f"{PROBABILITY} of {name}" for name in classes)])
        yield PredictionFile(lines.writerow, classes)
        file.flush()
        os.fsync(file.fileno())

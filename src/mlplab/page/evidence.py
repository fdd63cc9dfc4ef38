"""What a comparison has to show besides its ranking: curves, confusion matrices, and the images that are hardest."""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlplab.comparison import query
from mlplab.comparison.ranking import Ranking
from mlplab.comparison.states import finished_of
from mlplab.page.test_set import TestSet, test_set_of
from mlplab.schema import CONFUSION_MATRIX, DATA_TAG, WITHIN, accuracy, loss
from mlplab.store.store import Store
from mlplab.store.texts import read_texts

HARDEST = 24
CURVES = (*map(loss, ("train", "val", "test")), accuracy("val"), accuracy("test"), WITHIN)


@dataclass(frozen=True)
class HardImage:
    """A test image that many runs get wrong.

    Attributes:
        index: in the test set, from 0.
        pixels: uint8, shape (height, width), or (height, width, 3) in colour; None for a row of a table.
        label, prediction: the true class, and the wrong one that is predicted most; by name where they have names.
        wrong: how many runs get it wrong.
        cells: of a row of a table: as text, by column.
        found_at: what it is called in people's own files; "" of a published set.
    """

    index: int
    pixels: NDArray[np.uint8] | None
    label: int | str
    prediction: int | str
    wrong: int
    cells: Mapping[str, str] = field(default_factory=dict)
    found_at: str = ""


@dataclass(frozen=True)
class Evidence:
    """Of all groups of a ranking.

    Attributes:
        points: one row per logged value: ``group`` (its place in the ranking), ``run_id``, ``key``, ``step``,
            ``value``.
        confusion: by the group's place, int64, shape (K, K): summed over its finished runs. A group that mixes data
            sets has none: their classes are others.
        hardest: images, most often wrong first, of these the most clearly wrong.
        ties: images that are wrong as often as the last of ``hardest``, and are left out.
        predicting: finished runs whose predictions are known.
        class_names: by the group's place, where its classes have names.
        no_images: why ``hardest`` is empty; "" where it is not.
    """

    points: pd.DataFrame
    confusion: dict[int, NDArray[np.int64]]
    hardest: list[HardImage]
    ties: int
    predicting: int
    no_images: str
    class_names: dict[int, tuple[str, ...]] = field(default_factory=dict)


def gather(store: Store, runs: pd.DataFrame, ranking: Ranking) -> Evidence:
    """Fetch it.

    Args:
        store: has the runs.
        runs: that were ranked, as :func:`mlplab.comparison.query.find_runs` returns them.
        ranking: of them.

    Raises:
        StoreError: the store does not answer.
    """
    group_of = {run_id: place for place, group in enumerate(ranking.groups) for run_id in group.run_ids}
    finished = finished_of(runs)
    folders = dict(zip(finished["run_id"], finished["artifact_uri"], strict=True))
    with ThreadPoolExecutor(1) as pool:  # a server works on histories, while it only waits to hand out files
        fetched = pool.submit(query.find_points, store, list(group_of), CURVES, runs)
        predictions = query.find_predictions(store, folders)
        points = fetched.result()
    points["group"] = points["run_id"].map(group_of)
    confusion: dict[int, NDArray[np.int64]] = {}
    data_of = _data_sets(finished)
    mixed = _mixed_groups(data_of, group_of)
    for run_id, counts in _confusions(store, folders, predictions, data_of).items():
        place = group_of[run_id]
        if place not in mixed:
            confusion[place] = confusion.get(place, 0) + counts
    shown, no_images = test_set_of(store, finished[finished["run_id"].isin(predictions)], list(predictions.values()))
    hardest, ties = _hardest(shown, np.array([pairs[:, 1] for pairs in predictions.values()])) if shown else ([], 0)
    names = {group_of[run_id]: used.class_names for run_id, used in data_of.items() if used.class_names}
    return Evidence(points, confusion, hardest, ties, len(predictions), no_images, names)


@dataclass(frozen=True)
class _Used:
    """What a run was trained on: the name of its data set, and those of the classes; () where they have none."""

    name: str
    class_names: tuple[str, ...]


def _data_sets(runs: pd.DataFrame) -> dict[str, _Used]:
    names = runs.get(f"tags.{DATA_TAG}", pd.Series("", index=runs.index)).fillna("")
    classes = runs.get("class_names", pd.Series(None, index=runs.index, dtype=object))
    used = [_Used(name, known if isinstance(known, tuple) else ()) for name, known in zip(names, classes, strict=True)]
    return dict(zip(runs["run_id"], used, strict=True))


def _mixed_groups(data_of: Mapping[str, _Used], group_of: Mapping[str, int]) -> set[int]:
    """Return the groups with runs of several data sets: their confusions are of different classes."""
    pairs = {(group_of[run_id], used) for run_id, used in data_of.items()}
    return {place for place, count in Counter(place for place, _ in pairs).items() if count > 1}


def _confusions(
    store: Store,
    folders: Mapping[str, str],
    predictions: Mapping[str, NDArray[np.int64]],
    data_of: Mapping[str, _Used],
) -> dict[str, NDArray[np.int64]]:
    """Return the confusion matrix of each run: from its predictions, or for older runs from a file of its own."""
    classes: dict[_Used, int] = {}
    for run_id, pairs in predictions.items():
        used = data_of[run_id]
        classes[used] = max(classes.get(used, len(used.class_names)), 1 + int(pairs.max()))
    older = {run_id: folder for run_id, folder in folders.items() if run_id not in predictions}
    texts = read_texts(store, older, CONFUSION_MATRIX)
    counted = {}
    for run_id, pairs in predictions.items():
        size = classes[data_of[run_id]]
        counted[run_id] = np.zeros((size, size), np.int64)
        np.add.at(counted[run_id], (pairs[:, 0], pairs[:, 1]), 1)
    return counted | {run_id: query.parse_confusions(run_id, text) for run_id, text in texts.items()}


def _hardest(shown: TestSet, predicted: NDArray[np.int64]) -> tuple[list[HardImage], int]:
    """Return the rows that most runs get wrong, and how many more are wrong as often as the last of them.

    Of those that equally many get wrong, the first have the largest margin: the votes for the wrong class that is
    predicted most, less the votes for the true one, where a vote counts as much as its run is accurate. So it is
    harder what the better runs get wrong, and what they agree on.

    Args:
        shown: the test set.
        predicted: shape (runs, rows).
    """
    labels = shown.labels
    right = predicted == labels
    wrong = (~right).sum(axis=0)
    weights = right.mean(axis=1)
    candidates = np.flatnonzero(wrong)
    margins = {int(i): _margin(predicted[:, i], int(labels[i]), weights) for i in candidates}
    order = sorted(margins, key=lambda i: (-wrong[i], -margins[i][0]))
    hardest = [
        HardImage(
            i,
            shown.pixels(i),
            shown.name(int(labels[i])),
            shown.name(margins[i][1]),
            int(wrong[i]),
            shown.cells(i),
            shown.source(i) if shown.source else "",
        )
        for i in order[:HARDEST]
    ]
    ties = sum(wrong[i] == wrong[order[HARDEST - 1]] for i in order[HARDEST:])
    return hardest, int(ties)


def _margin(votes: NDArray[np.int64], label: int, weights: NDArray[np.float64]) -> tuple[float, int]:
    """Return the margin, and the wrong class that is predicted most."""
    counts = np.bincount(votes, weights, minlength=label + 1)
    true = counts[label]
    counts[label] = -1.0
    return float(counts.max() - true), int(counts.argmax())

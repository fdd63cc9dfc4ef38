"""What a comparison has to show besides its ranking: curves, confusion matrices, and the images that are hardest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlplab import data
from mlplab.comparison import query
from mlplab.comparison.ranking import Ranking
from mlplab.errors import DataError
from mlplab.schema import CONFUSION_MATRIX, DATA_TAG, WITHIN, loss
from mlplab.tracking.store import Store
from mlplab.tracking.texts import read_texts

HARDEST = 24


@dataclass(frozen=True)
class HardImage:
    """A test image that many runs get wrong.

    Attributes:
        index: in the test set, from 0.
        pixels: uint8, shape (height, width), or (height, width, 3) in colour.
        label, prediction: the true class, and the one it is taken for most.
        wrong: how many runs get it wrong.
    """

    index: int
    pixels: NDArray[np.uint8]
    label: int
    prediction: int
    wrong: int


@dataclass(frozen=True)
class Evidence:
    """Of all groups of a ranking.

    Attributes:
        points: one row per logged value: ``group`` (its place in the ranking), ``run_id``, ``key``, ``step``,
            ``value``.
        confusion: by the group's place, int64, shape (K, K): summed over its finished runs.
        hardest: images, most often wrong first.
        predicting: finished runs whose predictions are known.
        no_images: why ``hardest`` is empty; "" where it is not.
    """

    points: pd.DataFrame
    confusion: dict[int, NDArray[np.int64]]
    hardest: list[HardImage]
    predicting: int
    no_images: str


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
    points = query.find_points(store, list(group_of), (loss("train"), loss("test"), WITHIN))
    points["group"] = points["run_id"].map(group_of)
    finished = runs[runs["status"] == "FINISHED"]
    folders = dict(zip(finished["run_id"], finished["artifact_uri"], strict=True))
    predictions = query.find_predictions(store, folders)
    confusion: dict[int, NDArray[np.int64]] = {}
    for run_id, counts in _confusions(store, folders, predictions).items():
        place = group_of[run_id]
        confusion[place] = confusion.get(place, 0) + counts
    hardest, no_images = _hardest(finished[finished["run_id"].isin(predictions)], list(predictions.values()))
    return Evidence(points, confusion, hardest, len(predictions), no_images)


def _confusions(
    store: Store, folders: Mapping[str, str], predictions: Mapping[str, NDArray[np.int64]]
) -> dict[str, NDArray[np.int64]]:
    """Return the confusion matrix of each run: from its predictions, or for older runs from a file of its own."""
    classes = 1 + max((int(pairs.max()) for pairs in predictions.values()), default=0)
    older = {run_id: folder for run_id, folder in folders.items() if run_id not in predictions}
    texts = read_texts(store, older, CONFUSION_MATRIX)
    counted = {}
    for run_id, pairs in predictions.items():
        counted[run_id] = np.zeros((classes, classes), np.int64)
        np.add.at(counted[run_id], (pairs[:, 0], pairs[:, 1]), 1)
    return counted | {run_id: query.parse_integers(run_id, text) for run_id, text in texts.items()}


def _hardest(predicting: pd.DataFrame, predictions: Sequence[NDArray[np.int64]]) -> tuple[list[HardImage], str]:
    if not predictions:
        return [], "no run has recorded its predictions"
    labels = predictions[0][:, 0]
    if any(not np.array_equal(pairs[:, 0], labels) for pairs in predictions):
        return [], "the runs are of different test sets"
    try:
        images = _test_images(predicting.iloc[0].to_dict())
    except DataError as error:
        return [], str(error)
    if images is None or not np.array_equal(images[1], labels):
        return [], "the data set that the runs saw is not on this machine"
    predicted = np.array([pairs[:, 1] for pairs in predictions])  # shape (runs, images)
    wrong = (predicted != labels).sum(axis=0)
    order = np.argsort(-wrong, kind="stable")[:HARDEST]
    return [_image(int(i), images[0][i], int(labels[i]), predicted[:, i]) for i in order if wrong[i]], ""


def _test_images(run: Mapping[str, Any]) -> tuple[NDArray[np.uint8], NDArray[np.int64]] | None:
    name, root = run.get(f"tags.{DATA_TAG}"), run.get("params.data.root")
    return data.test_images(name, root) if isinstance(name, str) and isinstance(root, str) else None


def _image(index: int, pixels: NDArray[np.uint8], label: int, predicted: NDArray[np.int64]) -> HardImage:
    mistakes = predicted[predicted != label]
    return HardImage(index, pixels, label, int(np.bincount(mistakes).argmax()), len(mistakes))

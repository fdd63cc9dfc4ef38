"""The files that a finished run leaves: curves, confusion matrix, reports; written into a folder, nothing else."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mlplab import evaluation, figures
from mlplab.data import Dataset
from mlplab.engines.base import Evaluation
from mlplab.resumption import Point


def write(
    folder: Path,
    name: str,
    points: Sequence[Point],
    evaluations: Mapping[str, Evaluation],
    dataset: Dataset,
) -> None:
    """Write all of them.

    Args:
        folder: exists.
        name: of the run, for titles.
        points: the losses of every split, by step; at least one.
        evaluations: of every split, after training.
        dataset: has the true labels.
    """
    curves = {split: [(step, metrics[f"{split}/loss"]) for step, metrics in points] for split in evaluations}
    figures.loss_curves(curves, name).savefig(folder / "loss_curve.png", dpi=120)
    _write_confusion_matrix(folder, name, evaluations["test"], dataset)
    pairs = np.column_stack([dataset.test.labels, evaluations["test"].predictions])
    np.savetxt(folder / "test_predictions.csv", pairs, "%d", delimiter=",", header="label,prediction", comments="")
    for split, found in evaluations.items():
        arguments = dataset.splits[split].labels, found.predictions, dataset.classes
        text = evaluation.classification_report_text(*arguments)
        numbers = json.dumps(evaluation.classification_report(*arguments), indent=1)
        (folder / f"classification_report_{split}.txt").write_text(text, encoding="utf-8")
        (folder / f"classification_report_{split}.json").write_text(numbers, encoding="utf-8")


def _write_confusion_matrix(folder: Path, name: str, found: Evaluation, dataset: Dataset) -> None:
    counts = evaluation.confusion_matrix(dataset.test.labels, found.predictions, dataset.classes)
    figure = figures.confusion_matrix(counts, f"{name}: test accuracy {found.accuracy:.4f}")
    figure.savefig(folder / "confusion_matrix.png", dpi=120)
    with (folder / "confusion_matrix.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(counts.tolist())

"""The files that a finished run leaves: curves, confusion matrix, reports."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mlplab import schema
from mlplab.data import Dataset
from mlplab.engines.base import Evaluation
from mlplab.run import evaluation, figures
from mlplab.run.resumption import Point


def write_all(
    folder: Path,
    name: str,
    points: Sequence[Point],
    evaluations: Mapping[str, Evaluation],
    dataset: Dataset,
) -> None:
    """Write the files of a finished run.

    Args:
        folder: an existing one.
        name: of the run, for titles.
        points: the losses of every split, by step; at least one.
        evaluations: of every split, after training.
        dataset: with the true labels.
    """
    curves = {split: [(step, metrics[schema.loss(split)]) for step, metrics in points] for split in evaluations}
    figures.draw_losses(curves, name).savefig(folder / "loss_curve.png", dpi=120)
    _write_confusion_matrix(folder, name, evaluations["test"], dataset)
    _write_predictions(folder, evaluations["test"], dataset)
    for split, evaluated in evaluations.items():
        _write_report(folder, split, evaluated, dataset)


def _write_confusion_matrix(folder: Path, name: str, evaluated: Evaluation, dataset: Dataset) -> None:
    counts = evaluation.count_confusions(dataset.test.labels, evaluated.predictions, dataset.classes)
    figure = figures.draw_confusions(counts, f"{name}: test accuracy {evaluated.accuracy:.4f}")
    figure.savefig(folder / "confusion_matrix.png", dpi=120)
    with (folder / schema.CONFUSION_MATRIX).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(counts.tolist())


def _write_predictions(folder: Path, evaluated: Evaluation, dataset: Dataset) -> None:
    pairs = np.column_stack([dataset.test.labels, evaluated.predictions])
    np.savetxt(folder / schema.PREDICTIONS, pairs, "%d", delimiter=",", header="label,prediction", comments="")


def _write_report(folder: Path, split: str, evaluated: Evaluation, dataset: Dataset) -> None:
    arguments = dataset.splits[split].labels, evaluated.predictions, dataset.classes
    text = evaluation.classification_report_text(*arguments)
    numbers = json.dumps(evaluation.classification_report(*arguments), indent=1)
    (folder / f"classification_report_{split}.txt").write_text(text, encoding="utf-8")
    (folder / f"classification_report_{split}.json").write_text(numbers, encoding="utf-8")

"""The files that a finished run leaves: curves, confusion matrix, reports; written into a folder, nothing else."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlplab import evaluation, figures
from mlplab.data import Dataset
from mlplab.engines.base import Evaluation
from mlplab.training import Report


def write(
    folder: Path,
    name: str,
    reports: Sequence[Report],
    evaluations: Mapping[str, Evaluation],
    dataset: Dataset,
) -> None:
    """Write all of them.

    Args:
        folder: exists.
        name: of the run, for titles.
        reports: of the whole training, in order.
        evaluations: of every split, after training.
        dataset: has the true labels.
    """
    curves = _loss_curves(reports, evaluations)
    figures.loss_curves(curves, name).savefig(folder / "loss_curve.png", dpi=120)
    _write_confusion_matrix(folder, name, evaluations["test"], dataset)
    for split, found in evaluations.items():
        arguments = dataset.splits[split].labels, found.predictions, dataset.classes
        text = evaluation.classification_report_text(*arguments)
        numbers = json.dumps(evaluation.classification_report(*arguments), indent=1)
        (folder / f"classification_report_{split}.txt").write_text(text, encoding="utf-8")
        (folder / f"classification_report_{split}.json").write_text(numbers, encoding="utf-8")


def _loss_curves(reports: Sequence[Report], evaluations: Mapping[str, Evaluation]) -> dict[str, figures.Curve]:
    """Return the logged points of every split; of a run too short to have any, where it ended."""
    points = [report for report in reports if report.metrics]
    if not points:
        return {split: [(reports[-1].step, found.loss)] for split, found in evaluations.items()}
    return {split: [(point.step, point.metrics[f"{split}/loss"]) for point in points] for split in evaluations}


def _write_confusion_matrix(folder: Path, name: str, found: Evaluation, dataset: Dataset) -> None:
    counts = evaluation.confusion_matrix(dataset.test.labels, found.predictions, dataset.classes)
    figure = figures.confusion_matrix(counts, f"{name}: test accuracy {found.accuracy:.4f}")
    figure.savefig(folder / "confusion_matrix.png", dpi=120)
    with (folder / "confusion_matrix.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(counts.tolist())

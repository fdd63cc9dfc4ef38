"""The files that a finished run leaves. Each is a function of the finished run that writes into a folder."""

import csv
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlplab import schema
from mlplab.data import Dataset
from mlplab.engines.base import Evaluation
from mlplab.run import evaluation, figures
from mlplab.run.resumption import Point

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finished:
    """A run after training.

    Attributes:
        name: of the run, for titles.
        points: the losses of every split, by step; at least one.
        evaluations: of every split.
        dataset: has the true labels.
    """

    name: str
    points: Sequence[Point]
    evaluations: Mapping[str, Evaluation]
    dataset: Dataset


def write_all(folder: Path, finished: Finished) -> None:
    """Write every artifact into ``folder``, which exists; none by halves."""
    for what, write in _ARTIFACTS.items():
        with only_a_warning(what), _whole(folder):
            write(folder, finished)


@contextmanager
def _whole(folder: Path) -> Iterator[None]:
    """Remove the files that the block has created in ``folder`` if it fails: on a full disk they are cut off."""
    before = set(folder.iterdir())
    try:
        yield
    except Exception:
        for file in set(folder.iterdir()) - before:
            file.unlink(missing_ok=True)
        raise


@contextmanager
def only_a_warning(what: str) -> Iterator[None]:
    """Turn any error inside into a warning: after training an artifact may be missing, never the run."""
    try:
        yield
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        log.warning("the %s of this run could not be written: %s", what, reason)
        log.info("the %s of this run", what, exc_info=error)  # the traceback goes to the log file only


def _write_loss_curve(folder: Path, finished: Finished) -> None:
    splits = finished.evaluations
    curves = {split: [(step, metrics[schema.loss(split)]) for step, metrics in finished.points] for split in splits}
    figures.draw_losses(curves, finished.name).savefig(folder / "loss_curve.png", dpi=120)


def _write_confusion_matrix(folder: Path, finished: Finished) -> None:
    dataset, evaluated = finished.dataset, finished.evaluations["test"]
    counts = evaluation.count_confusions(dataset.test.labels, evaluated.predictions, dataset.classes)
    with (folder / schema.CONFUSION_MATRIX).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(_with_names(counts.tolist(), dataset))
    title = f"{finished.name}: test accuracy {evaluated.accuracy:.4f}"
    figure = figures.draw_confusions(counts, dataset.class_names, title)
    figure.savefig(folder / "confusion_matrix.png", dpi=120)


def _with_names(counts: list[list[int]], dataset: Dataset) -> list[list[str | int]]:
    """Return the lines of a confusion matrix: where classes have names, with these above and to the left."""
    if dataset.coding is None:
        return [list(row) for row in counts]
    lines: list[list[str | int]] = [[schema.TRUE_CLASS, *dataset.class_names]]
    for name, row in zip(dataset.class_names, counts, strict=True):
        lines.append([name, *row])
    return lines


def _write_predictions(folder: Path, finished: Finished) -> None:
    pairs = np.column_stack([finished.dataset.test.labels, finished.evaluations["test"].predictions])
    np.savetxt(folder / schema.PREDICTIONS, pairs, "%d", delimiter=",", header="label,prediction", comments="")


def _write_reports(folder: Path, finished: Finished) -> None:
    dataset = finished.dataset
    for split, evaluated in finished.evaluations.items():
        arguments = dataset.splits[split].labels, evaluated.predictions, dataset.class_names
        text = evaluation.classification_report_text(*arguments)
        numbers = json.dumps(evaluation.classification_report(*arguments), indent=1)
        (folder / f"classification_report_{split}.txt").write_text(text, encoding="utf-8")
        (folder / f"classification_report_{split}.json").write_text(numbers, encoding="utf-8")


_ARTIFACTS: dict[str, Callable[[Path, Finished], None]] = {
    "loss curve": _write_loss_curve,
    "confusion matrix": _write_confusion_matrix,
    "predictions": _write_predictions,
    "classification reports": _write_reports,
}

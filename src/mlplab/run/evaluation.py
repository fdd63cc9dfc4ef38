"""The quality of predictions, class by class, as scikit-learn computes it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

Labels = NDArray[np.int64]


def count_confusions(labels: Labels, predictions: Labels, classes: int) -> Labels:
    """Return how often class i (row) was taken for class j (column): int64, shape (classes, classes)."""
    counts: Labels = metrics.confusion_matrix(labels, predictions, labels=np.arange(classes))
    return counts


def classification_report(labels: Labels, predictions: Labels, names: Sequence[str]) -> dict[str, Any]:
    """Return precision, recall, f1-score and support per class, with macro and weighted averages.

    ``names``: of the classes. A class that is never predicted has precision 0.
    """
    report: dict[str, Any] = metrics.classification_report(
        labels, predictions, labels=np.arange(len(names)), target_names=list(names), output_dict=True, zero_division=0
    )
    return report


def classification_report_text(labels: Labels, predictions: Labels, names: Sequence[str]) -> str:
    """Return the same numbers as a table of text."""
    text: str = metrics.classification_report(
        labels, predictions, labels=np.arange(len(names)), target_names=list(names), digits=4, zero_division=0
    )
    return text

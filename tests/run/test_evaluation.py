"""Confusion matrix and reports, on a case small enough to count."""

import numpy as np
import pytest

from mlplab.run import evaluation

LABELS = np.array([0, 0, 0, 1, 1, 2])
PREDICTIONS = np.array([0, 0, 1, 1, 0, 0])


def test_rows_are_true_classes_and_columns_predicted_ones() -> None:
    counts = evaluation.count_confusions(LABELS, PREDICTIONS, 4)
    assert counts.tolist() == [[2, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_the_report_has_every_class_and_a_class_never_predicted_has_precision_zero() -> None:
    report = evaluation.classification_report(LABELS, PREDICTIONS, ["a", "b", "c"])
    assert report["a"] == pytest.approx({"precision": 0.5, "recall": 2 / 3, "f1-score": 4 / 7, "support": 3})
    assert report["c"]["precision"] == 0
    assert report["accuracy"] == 0.5
    assert report["macro avg"]["recall"] == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)


def test_the_table_shows_the_same_numbers() -> None:
    text = evaluation.classification_report_text(LABELS, PREDICTIONS, ["a", "b", "c"])
    assert "0.6667" in text
    assert text.split()[4:5] == ["a"]
    assert "weighted avg" in text

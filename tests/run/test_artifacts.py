"""After training an artifact may be missing, never the run."""

import logging
from pathlib import Path

import numpy as np
import pytest

from mlplab.data import Dataset
from mlplab.engines.base import Evaluation
from mlplab.run import artifacts
from mlplab.run.artifacts import Finished, write_all


def finished(dataset: Dataset, name: str = "a run") -> Finished:
    evaluations = {
        split: Evaluation(0.5, np.zeros(len(rows), np.int64), 0.2) for split, rows in dataset.splits.items()
    }
    return Finished(name, [(10, {"train/loss": 2.0, "test/loss": 2.1})], evaluations, dataset)


def test_one_artifact_that_fails_costs_only_itself_and_is_named(
    tmp_path: Path, small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no such font")

    monkeypatch.setitem(artifacts._ARTIFACTS, "loss curve", broken)
    with caplog.at_level(logging.WARNING):
        write_all(tmp_path, finished(small_dataset))
    assert "the loss curve of this run could not be written: no such font" in caplog.text
    assert {path.name for path in tmp_path.iterdir()} == {
        "confusion_matrix.csv", "confusion_matrix.png", "test_predictions.csv",
        "classification_report_train.txt", "classification_report_train.json",
        "classification_report_test.txt", "classification_report_test.json",
    }  # fmt: skip


def test_a_name_is_no_formula(tmp_path: Path, small_dataset: Dataset, caplog: pytest.LogCaptureFixture) -> None:
    write_all(tmp_path, finished(small_dataset, "a $^$ b"))
    assert not caplog.records
    assert (tmp_path / "loss_curve.png").exists()
    assert (tmp_path / "confusion_matrix.png").exists()

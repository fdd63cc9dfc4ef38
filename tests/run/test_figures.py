"""Figures show their input."""

import numpy as np

from mlplab.run import figures


def test_loss_curves_are_drawn_by_name_against_iterations() -> None:
    figure = figures.draw_losses({"train": [(200, 2.0), (400, 1.0)], "test": [(400, 1.5)]}, "relu")
    (axes,) = figure.axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines()}  # type: ignore[union-attr]
    assert lines == {"train": [[200, 2.0], [400, 1.0]], "test": [[400, 1.5]]}
    assert axes.get_title() == "relu"


def test_a_confusion_matrix_shows_counts_and_colours_by_share_of_the_true_class() -> None:
    figure = figures.draw_confusions(np.array([[3, 1], [0, 0]]), ["cat", "$dog$"], "title")
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["3", "1"]
    np.testing.assert_array_equal(axes.images[0].get_array(), [[0.75, 0.25], [0, 0]])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "$dog$"]

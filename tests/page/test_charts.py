"""What charts are made from: colours and names, axes that a collapsed group does not set, effects, scales of maps."""

from math import log, nan

import numpy as np
import pandas as pd
import pytest

from mlplab.colors import OKABE_ITO, color_slots
from mlplab.comparison.ranking import Ranking, rank
from mlplab.page import axis_charts, class_charts, time_charts
from mlplab.page.charts import collapsed_groups, curve_charts
from mlplab.page.curve_ends import whole_curves
from mlplab.page.effects import effects_chart, effects_of
from mlplab.page.palette import MOST_SHOWN, Palette, shorten_names
from mlplab.page.scales import Scale, bounded, has_collapsed, scale_of


def frame(*runs: tuple[dict[str, str], float]) -> pd.DataFrame:
    """Finished runs with these params and test accuracies."""
    return pd.DataFrame(
        [
            {"run_id": str(i), "status": "FINISHED", "metrics.final/test_accuracy": value}
            | {f"params.{key}": text for key, text in params.items()}
            for i, (params, value) in enumerate(runs)
        ]
    )


def drawn(runs: pd.DataFrame, scale: Scale | None = None) -> axis_charts.Ranked:
    ranking = rank(runs)
    palette = Palette([group.name for group in ranking.groups])
    return axis_charts.Ranked(ranking, palette, axis_charts.metric_values(runs, ranking), scale or Scale(0.8, 1.0))


def test_a_colour_follows_the_value_and_not_the_rank() -> None:
    relu, tanh = color_slots(["relu", "tanh"])
    assert color_slots(["tanh", "sigmoid", "relu"])[::2] == [tanh, relu]
    assert color_slots(["lr=0.1", "lr=0.01", "lr=1"]) == [1, 0, 2]
    assert color_slots(["lr=1", "lr=0.1", "lr=0.01"]) == [2, 1, 0]


def test_with_more_groups_than_colours_the_best_two_and_some_down_to_the_worst_are_selected() -> None:
    palette = Palette([f"lr={i}" for i in range(60)])
    assert palette.slots == [None] * 60
    assert len(palette.shown) == MOST_SHOWN == len(OKABE_ITO)
    assert {0, 1, 59} <= palette.shown
    assert None not in Palette([f"lr={i}" for i in range(8)]).slots


def test_names_are_shortened_to_what_differs() -> None:
    assert shorten_names(["relu lr=1 wd=0", "tanh lr=1 wd=0"]) == ["relu", "tanh"]
    assert shorten_names(["alone lr=1"]) == ["alone lr=1"]
    assert shorten_names(["relu hidden_sizes=[8, 4]", "relu hidden_sizes=[8, 2]"]) == ["[8,4]", "[8,2]"]
    long = [f"hidden_sizes=[{'500,' * 10}{last}]" for last in (10, 20)]
    assert all(len(name) <= 32 for name in shorten_names(long))
    assert len(set(shorten_names(long))) == 2
    alike = [f"{'a' * 20}{middle}{'b' * 20}" for middle in "xy"]
    assert shorten_names(alike) == alike


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        ("final/test_accuracy", 0.113, True),
        ("final/test_accuracy", 0.2, False),
        ("final/test_loss", log(10) + 0.01, True),
        ("final/test_loss", 2.2, False),
        ("final/test_loss", nan, True),
        ("time/total_seconds", 1000.0, False),
    ],
)
def test_what_is_no_better_than_guessing_has_collapsed(metric: str, value: float, expected: bool) -> None:
    assert has_collapsed(metric, value, 10) is expected


def test_a_collapsed_group_does_not_set_the_axis_and_is_drawn_at_its_end() -> None:
    scale = scale_of("final/test_accuracy", [0.1, 0.95, 0.97], 10)
    assert (scale.low, scale.high) == (pytest.approx(0.949), pytest.approx(0.971))
    assert (scale.clamp(0.1), scale.symbol(0.1)) == (scale.low, "triangle-left")
    assert (scale.clamp(0.96), scale.symbol(0.96)) == (0.96, "circle")
    assert scale_of("final/test_accuracy", [0.1, 0.1], 10).low < 0.1


def test_every_group_is_drawn_and_no_interval_is_cut() -> None:
    runs = frame(*(({"learning_rate": str(i + 1), "seed": str(s)}, 0.9 + 0.01 * s) for i in range(48) for s in (0, 1)))
    ranked = drawn(runs)
    wide = axis_charts.with_intervals(scale_of("final/test_accuracy", [0.9, 0.91], 10), ranked.ranking)
    summary = ranked.ranking.groups[0].summary
    assert summary is not None
    assert wide.low <= summary.mean - summary.half_width
    assert wide.high >= summary.mean + summary.half_width
    chart = axis_charts.seed_dots(ranked)
    assert len({name for trace in chart.figure.data for name in trace.y}) == 48


def test_a_band_reaches_from_the_least_to_the_largest() -> None:
    points = pd.DataFrame(
        [(0, "train/loss", 10, value) for value in (0.1, 0.2, 3.0)] + [(1, "train/loss", 10, 50.0)],
        columns=["group", "key", "step", "value"],
    )
    (chart,) = curve_charts(points, Palette(["relu", "tanh"]), ["train/loss", "val/loss"], {}, {1})
    meta = chart.figure.data[0].meta
    assert (meta["low"], meta["high"]) == ([0.1], [3.0])
    ranges = chart.figure.layout.meta["ranges"]
    assert ranges["linear"][0] >= 0
    assert ranges["linear"][1] < 4
    assert len(chart.figure.data) == 2


def grid(*missing: tuple[str, str]) -> Ranking:
    """Accuracies that are the sum of an effect of 0.1 and one of 0.05, and an interaction of 0.01 of two keys."""
    runs = [
        ({"activation": a, "batch_size": b}, 0.5 + 0.1 * i + 0.05 * j + 0.01 * i * j)
        for i, a in ((-1, "tanh"), (1, "relu"))
        for j, b in ((-1, "16"), (1, "32"))
        if (a, b) not in missing
    ]
    return rank(frame(*runs))


def test_effects_of_a_full_grid_are_exact() -> None:
    found = effects_of(grid())
    assert found is not None
    total = 0.1**2 + 0.05**2 + 0.01**2
    assert found.shares == {
        ("activation",): pytest.approx(0.1**2 / total),
        ("batch_size",): pytest.approx(0.05**2 / total),
        ("activation", "batch_size"): pytest.approx(0.01**2 / total),
    }
    assert "three keys and more" not in effects_chart(found).figure.data[0].y
    assert found.strongest_pair == ("activation", "batch_size")


def test_what_three_keys_do_together_has_a_bar_of_its_own() -> None:
    runs = [
        ({"activation": a, "batch_size": b, "epochs": c}, 0.5 + 0.1 * i * j * k)
        for i, a in ((-1, "tanh"), (1, "relu"))
        for j, b in ((-1, "16"), (1, "32"))
        for k, c in ((-1, "1"), (1, "2"))
    ]
    found = effects_of(rank(frame(*runs)))
    assert found is not None
    assert found.shares[()] == pytest.approx(1)
    assert effects_chart(found).figure.data[0].y[0] == "three keys and more"


def test_a_grid_with_a_hole_has_no_effects() -> None:
    assert effects_of(grid(("relu", "16"))) is None


def test_a_rate_has_a_logarithmic_axis_with_a_line_per_activation_and_a_place_for_zero() -> None:
    runs = frame(
        *(
            ({"activation": a, "learning_rate": "0.1", "weight_decay": wd}, value)
            for a in ("relu", "tanh")
            for wd, value in (("0.0", 0.9), ("0.001", 0.95), ("0.01", 0.1))
        )
    )
    (chart,) = axis_charts.sensitivity(drawn(runs))
    assert chart.figure.layout.xaxis.type == "log"
    assert [trace.name for trace in chart.figure.data] == ["relu", "tanh"]
    assert list(chart.figure.data[0].x) == pytest.approx([0.0001, 0.001, 0.01])
    assert list(chart.figure.data[0].marker.symbol) == ["circle", "circle", "triangle-down"]
    assert list(chart.figure.data[0].customdata) == [0.9, 0.95, 0.1]


def test_blue_is_better_on_the_diagonal_and_off_it() -> None:
    better, worse = np.array([[10, 0], [1, 9]]), np.array([[10, 0], [4, 6]])
    chart = class_charts.difference(better, worse, None, "relu minus tanh")
    assert chart is not None
    (heat,) = chart.figure.data
    assert [list(row) for row in heat.z] == [[None, None], [30.0, 30.0]]  # fewer confusions, more on the diagonal
    assert [list(row) for row in heat.text] == [["", ""], ["-30.0", "+30.0"]]
    assert (heat.zmin, heat.zmax) == pytest.approx((-30, 30))


def test_equal_matrices_have_no_difference_to_draw() -> None:
    counts = np.array([[10, 0], [1, 9]])
    assert class_charts.difference(counts, 2 * counts, None, "relu minus tanh") is None


@pytest.mark.parametrize("metric", ["final/test_accuracy", "precision", "recall"])
@pytest.mark.parametrize(("low", "high"), [(0.99, 1.01), (0.3, 1.02), (-0.02, 0.1), (0.998, 1.5)])
def test_a_proportion_has_an_axis_without_a_tick_beyond_0_and_1(metric: str, low: float, high: float) -> None:
    scale = bounded(metric, low, high)
    least_tick = (scale.high - scale.low) / 20  # Plotly's are further apart
    assert -least_tick < scale.low <= max(low, 0)
    assert min(high, 1) <= scale.high < 1 + least_tick
    assert (high >= 1) == (scale.high > 1)  # room for half a marker
    assert bounded("final/test_loss", low, high) == Scale(low, high)


def test_where_all_are_right_no_axis_reaches_far_beyond_1() -> None:
    assert scale_of("final/test_accuracy", [1.0, 1.0], 3).high < 1.001
    assert scale_of("final/test_accuracy", [1.0, 0.9], 3).high < 1.01
    perfect = {0: np.diag([5, 6])}
    for chart in class_charts.class_charts(perfect, {}, Palette(["relu"]), set()):
        low, high = chart.figure.layout.yaxis.range
        assert low <= 0.9
        assert 1 < high < 1.01
    points = pd.DataFrame(
        [(0, "test/accuracy", 1, 0.5), (0, "test/accuracy", 2, 1.0)], columns=["group", "key", "step", "value"]
    )
    (chart,) = curve_charts(points, Palette(["relu"]), ["test/accuracy"], {}, set())
    low, high = chart.figure.layout.meta["ranges"]["linear"]
    assert (low, high) == (pytest.approx(0.485), pytest.approx(1.015, abs=0.001))


def test_one_frequent_confusion_does_not_make_the_others_pale() -> None:
    counts = np.full((10, 10), 1) + np.diag([90] * 10)
    counts[0, 1] = 500
    (heat,) = class_charts.confusion_charts({0: counts}, {}, Palette(["relu"]), "row").figure.data
    assert heat.zmax < 2


def test_time_to_accuracy_marks_what_never_reached_it() -> None:
    points = pd.DataFrame(
        [(0, "a", 10, 0.5), (0, "a", 20, 0.9), (0, "a", 30, 0.8), (1, "b", 30, 0.6)],
        columns=["group", "run_id", "step", "value"],
    )
    firsts = time_charts.first_reached(points, 0.8).set_index("run_id")["step"]
    assert firsts["a"] == 20
    assert np.isnan(firsts["b"])
    made = time_charts.time_to_accuracy(points, Palette(["relu", "tanh"]), {0: {"seconds": 0.1}, 1: {"seconds": 0.1}})
    assert made is not None
    assert list(made[1]) == ["0.9", "0.8", "0.5"]
    never = [trace for trace in made[0].figure.data if trace.meta == {"group": 1, "choice": {"target": "0.9"}}]
    assert (never[0].marker.symbol, never[0].customdata) == (("triangle-right",), ("never",))


def test_a_group_without_a_finished_run_sets_no_axis() -> None:
    runs = frame(({"activation": "relu"}, 0.9), ({"activation": "tanh"}, 0.1), ({"activation": "linear"}, nan))
    runs.loc[2, "status"] = "FAILED"
    assert collapsed_groups(rank(runs), 10) == {1, 2}


def points_of(*rows: tuple[int, str, int, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["group", "run_id", "step", "value"]).assign(key="test/loss")


def test_a_run_that_diverged_takes_no_part_in_the_curve_of_those_that_finished() -> None:
    runs = pd.DataFrame({"run_id": ["a", "b", "c"], "status": ["FINISHED", "FAILED", "FAILED"]})
    points = points_of((0, "a", 1, 0.5), (0, "b", 1, 1e9), (1, "c", 1, 1e9))
    whole, left_out = whole_curves(points, runs)
    assert list(whole["run_id"]) == ["a", "c"]  # of the second group there is nothing else to show
    assert left_out == 1


def test_while_a_sweep_runs_each_run_has_a_line_of_its_own() -> None:
    points = points_of((0, "a", 1, 0.5), (0, "a", 2, 0.4), (0, "b", 1, 0.9))
    (chart,) = curve_charts(points, Palette(["relu"]), ["test/loss"], {}, set(), each_run=True)
    assert [list(trace.y) for trace in chart.figure.data] == [[0.5, 0.4], [0.9]]
    assert all("low" not in trace.meta for trace in chart.figure.data)


def test_classes_are_called_by_their_names_which_are_no_html() -> None:
    counts, names = np.array([[3, 1], [0, 4]]), ("<b>1", "2")
    palette = Palette(["relu"])
    chart = class_charts.confusion_charts({0: counts}, {0: names}, palette, "image").figure
    assert list(chart.data[0].x) == list(chart.data[0].y) == ["&lt;b&gt;1", "2"]
    assert (chart.layout.xaxis.type, chart.layout.yaxis.type) == ("category", "category")
    for by_class in class_charts.class_charts({0: counts}, {0: names}, palette, set()):
        assert list(by_class.figure.data[0].x) == ["&lt;b&gt;1", "2"]
        assert by_class.figure.layout.xaxis.type == "category"

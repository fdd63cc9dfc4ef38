"""Runs one by one: against each key, on a fitting axis; the best so far; pruned ones apart; in a browser."""

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from playwright.sync_api import Browser, Page, expect

from conftest import Project, opened, serious_findings
from mlplab.comparison import query
from mlplab.comparison.judging import add_stored_facts
from mlplab.comparison.ranking import rank
from mlplab.page.axis_charts import Ranked, metric_values
from mlplab.page.comparison_page import render_page
from mlplab.page.palette import Palette
from mlplab.page.parallel_chart import parallel_coordinates
from mlplab.page.scales import Scale
from mlplab.page.trials import best_so_far, measured_runs, slices
from mlplab.store.store import find_store

VALUES = [0.5, 0.7, 0.99, 0.6, 0.9, 0.8]  # the third was pruned: its curve ended at 0.65


def searched() -> pd.DataFrame:
    """Six runs of a search, the latest first."""
    runs = pd.DataFrame(
        {
            "run_id": list("abcdef"),
            "status": "FINISHED",
            "start_time": pd.date_range("2026-01-01", periods=6, tz="UTC"),
            "params.activation": ["relu", "tanh"] * 3,
            "params.learning_rate": [1e-4, 1e-3, 1e-2, 0.1, 1.0, 0.5],
            "params.batch_size": [16, 32, 48, 64, 80, 100],
            "metrics.final/test_accuracy": VALUES,
            "metrics.time/train_seconds": [2.0, 2.0, 1.0, 2.0, 2.0, 2.0],
            "tags.sweep.state": [None, None, "pruned", None, None, None],
        }
    )
    runs.loc[2, "metrics.final/test_accuracy"] = np.nan
    return runs[::-1]


POINTS = pd.DataFrame(
    {"run_id": ["c", "c", "a"], "key": "test/accuracy", "step": [10, 20, 10], "value": [0.3, 0.65, 0.4]}
)


def drawn(runs: pd.DataFrame) -> tuple[Ranked, pd.DataFrame]:
    ranking = rank(runs)
    palette = Palette([group.name for group in ranking.groups])
    ranked = Ranked(ranking, palette, metric_values(runs, ranking), Scale(0.4, 1.0))
    return ranked, measured_runs(runs, ranking, POINTS)


def traces(figure: go.Figure) -> dict[str, go.Scatter]:
    return {trace.name: trace for trace in figure.data}


def test_runs_stand_in_the_order_in_which_they_began_a_pruned_one_at_its_last_value() -> None:
    _, rows = drawn(searched())
    assert list(rows["run_id"]) == list("abcdef")
    assert list(rows["value"]) == [0.5, 0.7, 0.65, 0.6, 0.9, 0.8]
    assert list(rows["pruned"]) == [False, False, True, False, False, False]


def test_a_run_that_failed_or_has_measured_nothing_is_none_of_them() -> None:
    runs = searched()
    runs.loc[0, "status"] = "FAILED"
    runs.loc[1, "metrics.final/test_accuracy"] = np.nan
    assert list(drawn(runs)[1]["run_id"]) == list("cdef")


def test_the_best_so_far_never_falls_and_is_never_a_pruned_run() -> None:
    runs, seconds = best_so_far(*drawn(searched()))
    assert list(traces(runs.figure)["best so far"].y) == [0.5, 0.7, 0.7, 0.7, 0.9, 0.9]
    assert list(traces(runs.figure)["best so far"].x) == [1, 2, 3, 4, 5, 6]
    assert list(traces(seconds.figure)["best so far"].x) == [2, 4, 5, 7, 9, 11]
    assert list(traces(runs.figure)["pruned"].x) == [3]
    assert runs.alt == "Best test accuracy against runs: 0.9000, reached by run 5 of 6"


def test_of_a_loss_the_least_is_the_best() -> None:
    ranked, rows = drawn(searched())
    falling = Ranked(rank(searched(), lower_is_better=True), ranked.palette, ranked.values, ranked.scale)
    assert list(traces(best_so_far(falling, rows)[0].figure)["best so far"].y) == [0.5] * 6


def test_seconds_that_are_not_known_are_not_drawn() -> None:
    runs = searched()
    runs.loc[3, "metrics.time/train_seconds"] = np.nan
    assert [chart.name for chart in best_so_far(*drawn(runs))] == ["best-runs"]


def test_each_key_has_an_axis_that_fits_its_values() -> None:
    charts = {chart.name: chart for chart in slices(*drawn(searched()))}
    assert list(charts) == ["slice-activation", "slice-learning_rate", "slice-batch_size"]
    axes = {name: chart.figure.layout.xaxis for name, chart in charts.items()}
    assert axes["slice-activation"].type == "category"
    assert axes["slice-learning_rate"].type == "log"
    assert axes["slice-batch_size"].type is None
    dots = traces(charts["slice-learning_rate"].figure)
    assert list(dots["finished"].x) == [1e-4, 1e-3, 0.1, 1.0, 0.5]
    assert (list(dots["pruned"].x), list(dots["pruned"].y)) == ([1e-2], [0.65])
    assert dots["finished"].meta["slot"] != dots["pruned"].meta["slot"]


def test_a_zero_has_a_place_on_a_logarithmic_axis() -> None:
    runs = searched().assign(**{"params.learning_rate": [0, 1e-4, 1e-3, 1e-2, 0.1, 1.0]})
    (chart,) = [chart for chart in slices(*drawn(runs)) if chart.name == "slice-learning_rate"]
    assert min(traces(chart.figure)["finished"].x) == pytest.approx(1e-5)
    assert "0.0" in chart.figure.layout.xaxis.ticktext


def test_parallel_coordinates_place_many_numbers_by_their_size_and_name_the_ends() -> None:
    count = 21
    rates = np.logspace(-4, 0, count)
    runs = pd.DataFrame(
        {
            "run_id": list(map(str, range(count))),
            "status": "FINISHED",
            "start_time": pd.date_range("2026-01-01", periods=count, tz="UTC"),
            "params.learning_rate": rates,
            "params.batch_size": np.arange(count) + 16,
            "params.activation": ["relu", "tanh", "elu"] * 7,
            "metrics.final/test_accuracy": np.linspace(0.5, 0.9, count),
        }
    )
    ranked, _ = drawn(runs)
    figure = parallel_coordinates(ranked).figure
    middle = next(trace for trace in figure.data if "lr=0.01 " in f"{trace.name} ")
    assert middle.y[0] == pytest.approx(0.5)  # by its logarithm
    said = [annotation.text for annotation in figure.layout.annotations]
    assert [text for text in said if text in ("0.0001", "1.0")] == ["0.0001", "1.0"]
    assert len(said) == 2 + 2 + 3 + 2


@pytest.fixture(scope="module")
def page(project: Project, browser: Browser) -> Iterator[Page]:
    """The page of twelve short runs, of which one was pruned."""
    done = project.train(
        "-m", "data=digits", "data.val_size=360", "hidden_sizes=[16]", "log_every=5", "epochs=1", "diagnostics=false",
        "activation=relu,tanh", "learning_rate=0.003,0.03,0.3", "batch_size=16,64",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"^what mattered for val acc", done.stdout, re.M)
    project.client.set_tag(project.runs()[3].info.run_id, "sweep.state", "pruned")
    store = find_store(project.uri, "mlplab")
    runs = query.find_runs(store)
    text = render_page(store, runs, add_stored_facts(store, rank(runs), runs, []), "twelve runs")
    file = project.root / "twelve.html"
    file.write_text(text, encoding="utf-8")
    with opened(browser, file.as_uri()) as page:
        yield page


@pytest.mark.slow
def test_the_page_draws_every_run_by_each_key_and_the_best_so_far(page: Page) -> None:
    for name in ("slice-activation", "slice-learning_rate", "slice-batch_size", "best-runs", "best-seconds"):
        chart = page.locator(f"#{name}")
        chart.scroll_into_view_if_needed()
        expect(chart.locator(".main-svg").first).to_be_visible()
        expect(chart.locator(".scatterlayer .point")).to_have_count(12)
    expect(page.locator("section", has_text="The best so far").last).to_contain_text("a cross one that was pruned")


@pytest.mark.slow
def test_the_page_is_accessible(page: Page) -> None:
    assert serious_findings(page) == []

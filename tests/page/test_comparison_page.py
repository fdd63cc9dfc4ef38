"""The page of a sweep in a real browser: by itself, and behind the links that the sweep prints."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from conftest import WIDTHS, Project, await_health, opened, serious_findings
from mlplab.comparison import query
from mlplab.comparison.ranking import rank
from mlplab.page.comparison_page import render_page
from mlplab.store.store import find_store

SWEEP_NAME = "<img src=x onerror=alert(1)>"
SWEEP = [
    "-m", "data=digits", "hidden_sizes=[16,8]", "learning_rate=0.1", "log_every=5", "epochs=3",
    "activation=sigmoid,tanh,relu", "seed=0,1", f"tracking.sweep='{SWEEP_NAME}'",
]  # fmt: skip


@pytest.fixture(scope="module")
def swept(project: Project) -> tuple[Project, str]:
    """A sweep of three activations with two seeds each, and what it said."""
    done = project.train(*SWEEP)
    assert done.returncode == 0, done.stderr
    return project, done.stdout


@pytest.fixture(scope="module")
def page(swept: tuple[Project, str], browser: Browser) -> Iterator[Page]:
    """The page that the sweep logged on its own run."""
    project, said = swept
    (run_id,) = re.findall(r"runs/(\w+)/artifacts/comparison.html", said)
    file = project.root / "mlruns" / "mlplab" / run_id / "artifacts" / "comparison.html"
    with opened(browser, file.as_uri()) as page:
        yield page


def bodies(page: Page) -> Locator:
    return page.locator("#ranking tbody:visible")


def group_names(page: Page) -> list[str]:
    return [name.removesuffix(" (best)") for name in page.locator("#ranking tr.group > th").all_inner_texts()]


def test_it_says_what_the_terminal_says(swept: tuple[Project, str], page: Page) -> None:
    _, said = swept
    expect(page.locator("h1")).to_contain_text(f"sweep {SWEEP_NAME}: data=digits")
    expect(bodies(page)).to_have_count(3)
    ranked = re.findall(r"^│ (?:best|\d[ ≈]*) *│ (\w+)", said, re.M)
    assert group_names(page) == ranked
    (verdict,) = [line for line in said.splitlines() if " leads " in line or " is better than " in line]
    expect(page.locator(".verdict").first).to_have_text(verdict)


def test_it_is_light_and_keeps_to_itself(page: Page) -> None:
    assert len(page.content().encode()) < 2_000_000
    policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    chart = page.locator("#curves-train-loss")
    chart.scroll_into_view_if_needed()
    expect(chart.locator(".main-svg").first).to_be_visible()
    expect(page.locator(".modebar-btn")).to_have_count(0)  # none of them offers an upload


def test_every_chart_is_drawn_when_it_comes_near(page: Page) -> None:
    for chart in page.locator("figure.chart").all():
        chart.scroll_into_view_if_needed()
        expect(chart.locator(".main-svg").first).to_be_visible()
    expect(page.locator("#hardest img")).to_have_count(24)
    assert page.evaluate("[...document.querySelectorAll('#hardest img')].every(image => image.naturalWidth == 8)")


def test_the_table_sorts_filters_and_chooses_columns(page: Page) -> None:
    order = group_names(page)
    header = page.locator("#ranking button.sort", has_text="activation")
    header.click()
    assert group_names(page) == sorted(order)
    header.click()
    assert group_names(page) == sorted(order, reverse=True)
    page.locator("#filter").fill("tanh")
    expect(bodies(page)).to_have_count(1)
    expect(page.locator("#filter-count")).to_have_text("1 of 3 groups")
    page.locator("#filter").fill("")
    expect(bodies(page)).to_have_count(3)
    page.locator("#columns summary").click()
    column = page.locator("#columns input").first
    cells = page.locator("#ranking tr.group td:visible")
    before = cells.count()
    column.uncheck()
    expect(cells).to_have_count(before - 3)
    column.check()


def test_a_group_opens_to_its_runs_which_link_to_mlflow(page: Page) -> None:
    body = page.locator("#ranking tbody").first
    expect(body.locator("tr.run:visible")).to_have_count(0)
    body.locator("button.open").press("Enter")
    expect(body.locator("tr.run:visible")).to_have_count(2)  # one for each seed
    link = body.locator("tr.run a").first.get_attribute("href")
    assert link is not None
    assert re.search(r"#/experiments/\d+/runs/\w{32}\?workflowType=machine_learning", link)


def test_a_selected_row_drives_the_charts(page: Page) -> None:
    chart = page.locator("#curves-train-loss")
    chart.scroll_into_view_if_needed()
    lines = chart.locator(".scatterlayer .js-line")
    expect(lines.first).to_be_visible()

    def colours() -> set[str]:
        return set(lines.evaluate_all("lines => lines.map(line => getComputedStyle(line).stroke)"))

    drawn = len(colours())
    page.locator("#ranking tbody .select").first.uncheck()
    page.wait_for_function("document.querySelectorAll('#ranking .select:checked').length == 2")
    assert len(colours()) <= drawn
    page.locator("#ranking tbody .select").first.check()
    page.wait_for_function("document.querySelectorAll('#ranking .select:checked').length == 3")
    assert len(colours()) == drawn


def test_a_switch_shows_another_layer(page: Page) -> None:
    chart = page.locator("#inside-gradient_norm")
    chart.scroll_into_view_if_needed()
    line = chart.locator(".scatterlayer .js-line").first
    before = line.get_attribute("d")
    assert before is not None
    page.locator("section:has(> .charts > #inside-gradient_norm) select[data-key=layer]").select_option("2")
    expect(line).not_to_have_attribute("d", before)


@pytest.mark.slow
def test_it_can_be_read_by_everybody(page: Page) -> None:
    page.locator("header details summary").click()
    page.locator("#columns summary").click()
    assert not serious_findings(page)
    page.locator("header details summary").click()
    page.locator("#columns summary").click()


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_every_width(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    try:
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    finally:
        page.set_viewport_size({"width": 1200, "height": 900})


def test_a_chart_that_is_too_tall_scrolls_and_is_not_squeezed(page: Page) -> None:
    chart = page.locator("#seeds")
    chart.scroll_into_view_if_needed()
    drawn = chart.locator(".main-svg").first
    expect(drawn).to_be_visible()
    height = chart.locator(".plot > div").evaluate("box => box.clientHeight")
    page.evaluate("document.documentElement.style.setProperty('--tallest', '60px')")
    page.set_viewport_size({"width": 700, "height": 900})  # the chart fits itself in anew
    page.wait_for_timeout(500)
    assert chart.locator(".plot").evaluate("box => [box.clientHeight, box.scrollHeight]") == [60, height]
    assert drawn.evaluate("svg => svg.clientHeight") == height
    page.evaluate("document.documentElement.style.removeProperty('--tallest')")
    page.set_viewport_size({"width": 1200, "height": 900})


def test_names_with_html_are_text(swept: tuple[Project, str], browser: Browser, tmp_path: Path) -> None:
    store = find_store(swept[0].uri, "mlplab")
    runs = query.find_runs(store)
    text = render_page(store, runs, rank(runs, group_by=["tracking.sweep"]), SWEEP_NAME)
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    with opened(browser, (tmp_path / "page.html").as_uri()) as page:
        expect(page.locator("h1")).to_have_text(SWEEP_NAME)
        expect(page.locator("#ranking")).to_contain_text(SWEEP_NAME)
        expect(page.locator("#ranking tr.group > th")).to_contain_text(f"tracking.sweep={SWEEP_NAME}")


@pytest.fixture(scope="module")
def served(swept: tuple[Project, str]) -> Iterator[str]:
    """MLflow's own page on the store, as the sweep says it is served: ``make ui`` runs this command."""
    project, said = swept
    assert re.search(r"^served by: +make ui$", said, re.M)
    command, inherited = [sys.executable, "src/ui.py"], project.environment()
    with subprocess.Popen(command, cwd=project.root, env=inherited, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        (address,) = re.findall(r"^all runs: (http://127.0.0.1:\d+) ", server.stdout.readline())
        await_health(address)
        yield address
        server.terminate()


# What MLflow's page reports of itself: that nobody is logged in, and how its layout was computed.
MLFLOWS_OWN = ("users/current", "ResizeObserver")


@pytest.mark.slow
def test_mlflow_shows_the_page_behind_the_printed_link(
    swept: tuple[Project, str], served: str, browser: Browser
) -> None:
    (link,) = re.findall(r"http://127.0.0.1:5000(\S+comparison.html)", swept[1])
    with opened(browser, served + link, *MLFLOWS_OWN) as page:
        frame = page.frame_locator("iframe")
        expect(frame.locator("#ranking tr.group")).to_have_count(3, timeout=20_000)
        frame.locator("#seeds").scroll_into_view_if_needed()
        expect(frame.locator("#seeds .main-svg").first).to_be_visible(timeout=20_000)


@pytest.mark.slow
def test_mlflow_shows_the_members_curves_behind_the_printed_link(
    swept: tuple[Project, str], served: str, browser: Browser
) -> None:
    (link,) = re.findall(r"http://127.0.0.1:5000(\S+compareRunsMode=CHART\S*)", swept[1])
    with opened(browser, served + link, *MLFLOWS_OWN) as page:
        for name in ("relu seed=0", "sigmoid seed=1"):
            expect(page.get_by_text(name).first).to_be_visible(timeout=20_000)
        page.get_by_placeholder("Search metric charts").fill("train/loss")
        expect(page.locator(".js-plotly-plot")).to_have_count(1, timeout=20_000)
        expect(page.locator(".js-plotly-plot .js-line")).to_have_count(2 * 6)  # each as it is, and smoothed

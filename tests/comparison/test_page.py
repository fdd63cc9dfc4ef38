"""The page of a sweep in a real browser: by itself, and behind the links that the sweep prints."""

import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from conftest import Project, opened
from mlplab.comparison import query
from mlplab.comparison.page import render_page
from mlplab.comparison.ranking import rank
from mlplab.tracking.store import find_store

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


def test_it_says_what_the_terminal_says(swept: tuple[Project, str], page: Page) -> None:
    _, said = swept
    expect(page.locator("h1")).to_contain_text(f"sweep {SWEEP_NAME}: data=digits")
    rows = page.locator("#ranking tbody tr")
    expect(rows).to_have_count(3)
    for row in range(3):
        cells = rows.nth(row).locator("td").all_inner_texts()
        assert "│ " + " │ ".join(cells[:3]) in re.sub(" +", " ", said)
    (verdict,) = [line for line in said.splitlines() if " leads " in line or " is better than " in line]
    expect(page.locator(".verdict").first).to_have_text(verdict[0].upper() + verdict[1:])


def test_it_says_where_gradients_vanish(page: Page) -> None:
    expect(page.locator(".verdict").nth(1)).to_contain_text("In the first tenth of training the gradient at layer 1")


def test_it_shows_charts_and_the_hardest_images(page: Page) -> None:
    for chart in ("axes", "curves", "by-layer", "inside", "confusion", "difference", "classes"):
        expect(page.locator(f"#{chart} .main-svg").first).to_be_visible()
    expect(page.locator("#hardest img")).to_have_count(24)
    assert page.evaluate("[...document.querySelectorAll('#hardest img')].every(image => image.naturalWidth == 8)")


def test_curves_can_be_switched_off_and_on(page: Page) -> None:
    lines = page.locator("#curves .scatterlayer .js-line[style*='stroke-width: 2px']")
    expect(lines).to_have_count(6)  # three groups, two charts
    page.locator("#curves .legendtoggle").first.click()
    expect(lines).to_have_count(4)
    page.locator("#curves .legendtoggle").first.click()
    expect(lines).to_have_count(6)


def test_a_menu_shows_another_layer(page: Page) -> None:
    lines = page.locator("#inside .scatterlayer .js-line")
    line = lines.first
    before = line.get_attribute("d")
    assert before is not None
    page.locator("#inside .updatemenu-header").click()
    page.locator("#inside .updatemenu-dropdown-button").nth(1).click()
    expect(line).not_to_have_attribute("d", before)
    expect(lines).to_have_count(3)


def test_names_with_html_are_text(swept: tuple[Project, str], browser: Browser, tmp_path: Path) -> None:
    store = find_store(swept[0].uri, "mlplab")
    runs = query.find_runs(store)
    text = render_page(store, runs, rank(runs, group_by=["tracking.sweep"]), SWEEP_NAME)
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    with opened(browser, (tmp_path / "page.html").as_uri()) as page:
        expect(page.locator("h1")).to_have_text(SWEEP_NAME)
        expect(page.locator("#ranking")).to_contain_text(SWEEP_NAME)
        expect(page.locator("#classes .legendtext")).to_have_text(f"tracking.sweep={SWEEP_NAME}")


@pytest.fixture(scope="module")
def served(swept: tuple[Project, str]) -> Iterator[str]:
    """MLflow's own page on the store, as the sweep says it is served."""
    project, said = swept
    (command,) = re.findall(r"^served by: +(.*)$", said, re.M)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    arguments = [sys.executable, "-m", *command.split(), "--port", str(port), "--workers", "1"]
    server = subprocess.Popen(arguments, cwd=project.root, env=project.environment(), stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{address}/health", timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)
    yield address
    server.terminate()
    server.wait()


# What MLflow's page reports of itself: that nobody is logged in, and how its layout was computed.
MLFLOWS_OWN = ("users/current", "ResizeObserver")


def test_mlflow_shows_the_page_behind_the_printed_link(
    swept: tuple[Project, str], served: str, browser: Browser
) -> None:
    (link,) = re.findall(r"http://127.0.0.1:5000(\S+comparison.html)", swept[1])
    with opened(browser, served + link, *MLFLOWS_OWN) as page:
        frame = page.frame_locator("iframe")
        expect(frame.locator("#ranking tbody tr")).to_have_count(3, timeout=20_000)
        expect(frame.locator("#curves .legendtext")).to_have_count(3, timeout=20_000)


def test_mlflow_shows_the_members_curves_behind_the_printed_link(
    swept: tuple[Project, str], served: str, browser: Browser
) -> None:
    (link,) = re.findall(r"http://127.0.0.1:5000(\S+compareRunsMode=CHART)", swept[1])
    with opened(browser, served + link, *MLFLOWS_OWN) as page:
        for name in ("relu seed=0", "sigmoid seed=1"):
            expect(page.get_by_text(name).first).to_be_visible(timeout=20_000)
        page.get_by_placeholder("Search metric charts").fill("train/loss")
        expect(page.locator(".js-plotly-plot")).to_have_count(1, timeout=20_000)
        expect(page.locator(".js-plotly-plot .js-line")).to_have_count(2 * 6)  # each as it is, and smoothed

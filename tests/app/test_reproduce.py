"""``python src/reproduce.py`` on a small data set: what runs, what is skipped, and what is reported."""

import subprocess
import urllib.parse
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from conftest import Project, opened, serious_findings

SMALL = [
    "data=digits", "data.train_size=1000", "data.val_size=200", "iterations=40", "log_every=20",
    "hydra/launcher=basic",
]  # fmt: skip


def reproduce(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    return project.run("reproduce", *arguments)


@pytest.fixture(scope="module")
def reproduced(project: Project) -> tuple[Project, str]:
    """A project with one report reproduced from one seed, and the output of the command."""
    done = reproduce(project, "reports=pellattiero", "seeds=1", "out=.", *SMALL)
    assert done.returncode == 0, done.stderr
    return project, done.stdout


@pytest.mark.slow
def test_every_cell_has_a_verdict(reproduced: tuple[Project, str]) -> None:
    project, said = reproduced
    rows = [line for line in said.splitlines() if line.startswith("│ pellattiero/")]
    assert len(rows) == 5  # four cells, and one of them read in another way
    assert all("val_accuracy" in row and ("reproduced" in row or "differs" in row) for row in rows)
    assert " of 4 cells reproduced" in said
    assert len(project.runs()) == 5
    report = (project.root / "results.md").read_text()
    for run in project.runs():
        assert f"{run.data.metrics['final/val_accuracy']:.4f}" in report


@pytest.mark.slow
def test_the_report_is_an_artifact_of_the_sweeps_own_run(reproduced: tuple[Project, str], browser: Browser) -> None:
    project, _ = reproduced
    folder = Path(urllib.parse.urlparse(project.sweeps()[0].info.artifact_uri).path)
    assert (folder / "report.md").read_text() == (project.root / "results.md").read_text()
    page = (folder / "report.html").read_text()
    assert 'id="pellattiero-tuned"' in page
    assert page.count("<tr class=") == 5
    with opened(browser, (folder / "report.html").as_uri()) as shown:
        for chart in ("pellattiero-first", "pellattiero-tuned"):
            expect(shown.locator(f"#{chart} .main-svg").first).to_be_visible()
        assert not serious_findings(shown)


@pytest.mark.slow
def test_resume_skips_the_runs_that_the_store_has(reproduced: tuple[Project, str]) -> None:
    project, said = reproduced
    done = reproduce(project, "reports=pellattiero", "seeds=2", "resume=true", *SMALL)
    assert done.returncode == 0, done.stderr
    assert "10 runs (5 finished); 5 to run" in done.stdout
    assert len(project.runs()) == 10
    again = reproduce(project, "reports=pellattiero", "seeds=2", "resume=true", *SMALL)
    assert "10 runs (10 finished); 0 to run" in again.stdout
    assert table(again.stdout) == table(done.stdout) != table(said)
    assert len(project.runs()) == 10


def table(said: str) -> str:
    return said[said.index("┏") : said.index("ours:")]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("seeds=many", "seeds=many: takes a number of seeds, at least 1"),
        ("activation=relu", "activation=relu: the cells set this key"),
        ("out=nowhere", "out=nowhere: no such folder"),
        ("lerning_rate=1", "lerning_rate: no such key; did you mean learning_rate?"),
    ],
)
def test_a_mistake_is_one_message(project: Project, argument: str, message: str) -> None:
    done = reproduce(project, argument)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.startswith("ERROR: ")
    assert done.stderr.count("\n") == 1


def test_help_shows_the_options(project: Project) -> None:
    done = reproduce(project, "--help")
    assert done.returncode == 0
    assert "resume=true" in done.stdout

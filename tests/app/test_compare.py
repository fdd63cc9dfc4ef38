"""``python src/compare.py`` on a real store, and the table that ends a sweep."""

import csv
import io
import json
import re
import subprocess
from pathlib import Path

import pytest

from conftest import Project
from mlplab.app.compare import _compare
from mlplab.colors import OKABE_ITO, color_slots
from mlplab.errors import UserError

SWEEP = [
    "-m", "data=digits", "hidden_sizes=[32]", "learning_rate=0.1", "log_every=20", "epochs=2", "activation=relu,tanh",
    "seed=0,1,2", "tags.team=vision", "note='as in *class*'",
]  # fmt: skip


def compare(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    return project.run("compare", *arguments)


@pytest.fixture(scope="module")
def swept(project: Project) -> tuple[Project, str]:
    """A sweep of two activations with three seeds each, and what it said."""
    done = project.train(*SWEEP)
    assert done.returncode == 0, done.stderr
    return project, done.stdout


def means(project: Project) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for run in project.runs():
        found.setdefault(run.data.params["activation"], []).append(run.data.metrics["final/test_accuracy"])
    return {activation: sum(values) / len(values) for activation, values in found.items()}


def test_a_sweep_ends_with_its_ranking(swept: tuple[Project, str]) -> None:
    project, said = swept
    expected = sorted(means(project).items(), key=lambda item: -item[1])
    table = said[said.index("┏") :]
    for place, (activation, mean) in enumerate(expected):
        (line,) = [line for line in table.splitlines() if f"│ {activation} " in line]
        assert f"{mean:.4f} ±" in line
        assert ("best" in line) == (place == 0)
    assert "ranked by final/test_accuracy: there is no validation split" in said
    assert "(t-test paired by seed, 3 seeds each, p " in said
    assert re.search(
        r"the test set by itself leaves 0\.\d{4} between 0\.\d{4} and 0\.\d{4} \(95 % Wilson interval, 360 images\)",
        said,
    )
    assert "Don't choose a model by this: set data.val_size=360" in said


def test_the_last_sweep_is_compared_by_default(swept: tuple[Project, str]) -> None:
    project, said = swept
    done = compare(project)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in said


@pytest.mark.parametrize("form", ["csv", "json", "markdown"])
def test_other_formats_say_the_same(swept: tuple[Project, str], form: str) -> None:
    project, _ = swept
    done = compare(project, f"format={form}", "filter=tags.data = 'digits'")
    assert done.returncode == 0, done.stderr
    if form == "markdown":
        assert done.stdout.count("\n| ") == 3
        return
    rows = json.loads(done.stdout)["groups"] if form == "json" else list(csv.DictReader(io.StringIO(done.stdout)))
    for row in rows:
        assert float(row["final/test_accuracy"]) == pytest.approx(means(project)[row["activation"]])
        assert int(row["n"]) == int(row["finished"]) == 3
        assert row["seeds"] in ("0 1 2", [0, 1, 2])


def test_runs_groups_order_and_metric_can_be_chosen(swept: tuple[Project, str]) -> None:
    project, _ = swept
    ids = [run.info.run_id for run in project.runs()[:4]]
    chosen = [f"runs=[{','.join(ids)}]", "group_by=[activation,seed]", "sort_by=seed", "metric=final/train_loss"]
    done = compare(project, *chosen, "format=csv", "out=found.csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "found.csv: 4 runs compared\n"
    rows = list(csv.DictReader((project.root / "found.csv").read_text().splitlines()))
    assert [row["seed"] for row in rows] == ["0", "0", "1", "2"]


@pytest.mark.parametrize(
    ("name", "beginning"),
    [("x.csv", "rank,activation,"), ("x.MD", "| "), ("x.json", "{"), ("x.html", "<!doctype html>"), ("x.txt", "┏")],
)
def test_the_ending_of_a_file_implies_its_format(
    swept: tuple[Project, str], tmp_path: Path, name: str, beginning: str
) -> None:
    _compare([f"uri={swept[0].uri}", f"out={tmp_path / name}"])
    text = (tmp_path / name).read_text()
    assert text.lower().startswith(beginning), text[:80]
    _compare([f"uri={swept[0].uri}", f"out={tmp_path / 'x.csv'}", "format=json"])
    assert "groups" in json.loads((tmp_path / "x.csv").read_text())


def test_runs_have_the_colours_of_their_groups_on_the_page(swept: tuple[Project, str]) -> None:
    found = {(run.data.params["activation"], run.data.tags["mlflow.runColor"]) for run in swept[0].runs()}
    slots = dict(zip(["relu", "tanh"], color_slots(["relu", "tanh"]), strict=True))
    assert found == {(name, OKABE_ITO[slot]) for name, slot in slots.items() if slot is not None}


def test_tags_and_a_note_of_ones_own_are_in_mlflow_and_found_by_a_filter(
    swept: tuple[Project, str], tmp_path: Path
) -> None:
    project, out = swept[0], tmp_path / "x.csv"
    for run in [*project.runs(), *project.sweeps()]:
        assert run.data.tags["team"] == "vision"
        assert run.data.tags["mlflow.note.content"].startswith("as in *class*\n\n")
        assert not any(key.startswith(("tags", "note")) for key in run.data.params)
    _compare([f"uri={project.uri}", f"out={out}", "filter=tags.team = 'vision'"])
    assert [row["n"] for row in csv.DictReader(io.StringIO(out.read_text()))] == ["3", "3"]
    with pytest.raises(UserError, match="no run matches"):
        _compare([f"uri={project.uri}", "filter=tags.team = 'speech'"])


def test_a_metric_of_ones_own_knows_its_direction_where_it_is_said(swept: tuple[Project, str], tmp_path: Path) -> None:
    def leader(*more: str) -> str:
        _compare([f"uri={swept[0].uri}", f"out={tmp_path / 'x.csv'}", "metric=final/train_accuracy", *more])
        return next(csv.DictReader(io.StringIO((tmp_path / "x.csv").read_text())))["activation"]

    assert {leader("lower_is_better=true"), leader("lower_is_better=false")} == {"relu", "tanh"}
    assert leader() == leader("lower_is_better=false")


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("sweep=nothing", "sweep=nothing: no run matches; the experiment has 6 runs and 1 sweep: "),
        ("experiment=other", "experiment=other: the store has no such experiment, but "),
        ("metric=final/luck", "metric=final/luck: these runs have final/test_accuracy, "),
        ("group_by=[colour]", "group_by=colour: no such key of a run; there are engine, "),
        (
            "out=results.doc",
            "out=results.doc: tells no format by its ending; take one of .txt, .md, .csv, .json, .html",
        ),
        ("lower_is_better=true", "lower_is_better=true: says so of which metric? Add metric="),
        ("format=xml", "format=xml: takes one of table, markdown, csv, json, html"),
        ("colour=red", "colour=red: is no key=value of this command; it takes sweep, runs, "),
        ("filter=luck", "luck: MLflow does not understand this filter"),
        ("uri=sqlite:///nowhere.db", "uri=sqlite:///nowhere.db: no run is there yet"),
    ],
)
def test_a_mistake_is_named(swept: tuple[Project, str], argument: str, message: str) -> None:
    with pytest.raises((UserError, OSError)) as raised:
        _compare([f"uri={swept[0].uri}", argument])
    assert message in str(raised.value)


def test_a_mistake_is_one_message(swept: tuple[Project, str]) -> None:
    done = compare(swept[0], "out=no/such/folder.txt")
    assert done.returncode == 1
    assert done.stderr.startswith("ERROR: ")
    assert "cannot be written" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not done.stdout


def test_with_one_seed_the_trained_models_are_compared_and_not_the_recipes(
    swept: tuple[Project, str], capsys: pytest.CaptureFixture[str]
) -> None:
    _compare([f"uri={swept[0].uri}", "filter=params.seed = '0'"])
    verdict = capsys.readouterr().out.splitlines()[-1]
    assert "; one seed: cannot tell whether one recipe is better or that is noise; the two trained models " in verdict
    assert "McNemar's exact test, p " in verdict


def test_help_shows_what_can_be_typed(project: Project) -> None:
    done = compare(project, "--help")
    assert done.returncode == 0
    assert "group_by=[activation]" in done.stdout


def test_a_page_is_a_file(swept: tuple[Project, str]) -> None:
    project, _ = swept
    done = compare(project, "format=html", "group_by=[activation]")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "comparison.html: 6 runs compared\n"
    assert "<title>6 runs of mlplab</title>" in (project.root / "comparison.html").read_text()

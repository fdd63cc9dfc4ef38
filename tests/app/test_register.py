"""``python src/register.py`` and ``register=NAME`` through the real commands."""

import subprocess

import pytest
from mlflow.entities.model_registry import ModelVersion

from conftest import Project

pytestmark = pytest.mark.slow

SMALL = ["data=digits", "data.val_size=300", "hidden_sizes=[32]", "learning_rate=0.05", "log_every=10", "epochs=2"]
BETTER = [*SMALL[:3], "learning_rate=0.3", "activation=relu", "log_every=50", "epochs=8"]


def register(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    return project.run("register", *arguments)


@pytest.fixture(scope="module")
def swept(project: Project) -> tuple[Project, str]:
    """A sweep of two activations whose winner was registered, and what it said."""
    done = project.train("-m", *SMALL, "activation=relu,tanh", "register=digits")
    assert (done.returncode, done.stderr) == (0, "")
    return project, done.stdout


def champion(project: Project, name: str = "digits") -> ModelVersion:
    return project.client.get_model_version_by_alias(name, "champion")


def test_the_winner_of_a_sweep_is_registered_and_its_members_are_not(swept: tuple[Project, str]) -> None:
    project, said = swept
    (own,) = project.sweeps()
    best = own.data.tags["sweep.best_run"]
    (version,) = project.client.search_model_versions("name = 'digits'")
    assert version.run_id == best
    assert said.splitlines()[-3:-1] == [
        f"run {best}: registered as digits version 1",
        "champion: digits version 1: the first one",
    ]
    assert "register" not in project.runs()[0].data.params


def test_the_best_of_the_last_sweep_is_meant_by_default(swept: tuple[Project, str]) -> None:
    project, _ = swept
    done = register(project, "name=again")
    assert (done.returncode, done.stderr) == (0, "")
    assert champion(project, "again").run_id == champion(project).run_id


def test_a_run_that_is_better_becomes_the_champion_and_one_that_is_worse_does_not(swept: tuple[Project, str]) -> None:
    project, _ = swept
    done = project.train(*BETTER, "register=digits")
    assert (done.returncode, done.stderr) == (0, "")
    assert "champion: digits version 2: its validation accuracy leads by" in done.stdout
    better = champion(project)
    worse = next(
        run for run in project.runs() if run.data.params["activation"] == "relu" and run.data.tags.get("sweep")
    )
    done = register(project, worse.info.run_id, "name=digits")
    assert (done.returncode, done.stderr) == (0, "")
    assert "champion stays digits version 2: of version " in done.stdout
    assert done.stdout.splitlines()[1].endswith("; force=true moves it")
    assert champion(project).run_id == better.run_id
    assert register(project, worse.info.run_id, "name=digits", "force=true").returncode == 0
    assert champion(project).run_id == worse.info.run_id


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "ERROR: name: is missing; add name=NAME"),
        (["name=a/b"], "ERROR: name=a/b: takes a name without / : and @"),
        (["0" * 32, "name=digits"], f"ERROR: model={'0' * 32}: no such run; the experiment has "),
        (["nonsense", "name=digits"], "ERROR: model=nonsense: takes best and runner-up (of the last sweep), "),
        (["name=digits", "froce=true"], "ERROR: froce=true: is no key=value of this command; did you mean force?"),
    ],
)
def test_a_mistake_is_one_message(swept: tuple[Project, str], arguments: list[str], message: str) -> None:
    done = register(swept[0], *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1


def test_a_name_that_cannot_be_is_refused_before_anything_is_trained(swept: tuple[Project, str]) -> None:
    project, _ = swept
    before = len(project.runs())
    done = project.train(*SMALL, "register=a/b")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "register=a/b: takes the name of a registered model" in done.stderr
    assert len(project.runs()) == before


def test_while_the_store_is_not_asked_the_run_is_trained_and_a_warning_says_how_to_register_it_later(
    swept: tuple[Project, str],
) -> None:
    done = swept[0].train(*SMALL, "seed=7", "tracking=offline", "register=digits")
    assert done.returncode == 0
    assert "register=digits: the store does not have the run yet; nothing is lost: `python src/register.py" in (
        done.stdout + done.stderr
    )

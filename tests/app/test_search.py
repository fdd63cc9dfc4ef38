"""A search is a sweep: planned, recorded, resumed and compared; what others have left behind it stops early."""

import json
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Run

from app.conftest import Zygote
from conftest import Project
from mlplab.schema import JOB_TAG, STATE_TAG, SWEEP_TAG

TRIALS = 8
SEARCH = [
    "-m", "data=digits", "data.val_size=237", "hidden_sizes=[24]", "batch_size=50", "epochs=4", "log_every=10",
    "activation=relu,tanh", "learning_rate=tag(log, interval(1e-3, 1))", "search=tpe", "pruner=asha",
]  # fmt: skip
ALL = [*SEARCH, f"trials={TRIALS}"]
# Functions in which a search can die, and about how often an undisturbed one calls each.
PLACES = {
    "mlplab.sweeps.search.study.create_study": 1,
    "mlplab.sweeps.search.proposals.note_job": TRIALS,  # proposed, and no job yet
    "optuna.storages.journal.JournalFileBackend.append_logs": 60,
    "mlplab.sweeps.search.trial_pruning.TrialPruner.report": 40,
    "mlplab.training.loop.Training.advance": 60,
    "mlplab.tracking.run.Run._end": TRIALS,
    "mlplab.sweeps.search.job_trials.Trials.tell": TRIALS,  # the run has ended, and the study does not know
    "mlplab.tracking.journal.Journal._write": 200,
}
KILLS = 10


def state(run: Run) -> str:
    return str(run.data.tags.get(STATE_TAG, run.info.status))


def outcome(project: Project) -> dict[str, Any]:
    """Everything that a search has computed, by job: its values, its state and its points."""
    runs = {run.data.tags[JOB_TAG]: run for run in project.runs()}
    assert len(runs) == len(project.runs()), "a job has two runs"
    return {
        job: (run.info.run_name, state(run), {
            key: project.points(run, key) for key in run.data.metrics if not key.startswith("time/")
        })
        for job, run in runs.items()
    }  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(zygote: Zygote) -> dict[str, Any]:
    assert zygote.run(*ALL) == 0, zygote.log
    return outcome(zygote.project)


@pytest.mark.slow
def test_runs_that_others_left_behind_are_pruned_and_the_best_is_named(
    zygote: Zygote, undisturbed: dict[str, Any]
) -> None:
    states = Counter(state for _, state, _ in undisturbed.values())
    assert states["pruned"] > 0
    assert states["FINISHED"] + states["pruned"] == TRIALS
    (own,) = zygote.project.sweeps()
    assert own.data.tags["sweep.pruned"] == str(states["pruned"])
    assert own.data.params["jobs"] == str(TRIALS)
    best = max(
        (run for run in zygote.project.runs() if state(run) == "FINISHED"),
        key=lambda run: run.data.metrics["final/val_accuracy"],
    )
    assert own.data.tags["sweep.best_run"] == best.info.run_id
    manifest = json.loads(_artifact(own, "manifest.json"))
    assert len(manifest["jobs"]) == manifest["trials"] == TRIALS
    assert list(manifest["space"]) == ["activation", "learning_rate"]


def _artifact(run: Run, name: str) -> str:
    return (Path(run.info.artifact_uri.removeprefix("file://")) / name).read_text()


@pytest.mark.slow
def test_a_pruned_run_has_the_curve_that_it_would_have_had(undisturbed: dict[str, Any]) -> None:
    for _, ended, points in undisturbed.values():
        assert ("final/val_accuracy" in points) == (ended == "FINISHED")
        assert points["val/accuracy"]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(KILLS))
def test_a_search_that_is_killed_goes_on_as_if_nothing_had_been(
    zygote: Zygote, empty_store: Path, undisturbed: dict[str, Any], number: int
) -> None:
    rng = random.Random(number)
    place = list(PLACES)[number % len(PLACES)]
    zygote.forget(empty_store)
    died = zygote.run(*ALL, die_at=(place, rng.randint(1, PLACES[place])))
    assert died in (-signal.SIGKILL, 0), zygote.log
    assert zygote.run(*ALL, "resume=true") == 0, zygote.log
    assert outcome(zygote.project) == undisturbed


@pytest.mark.slow
def test_more_trials_extend_a_search(zygote: Zygote, empty_store: Path, undisturbed: dict[str, Any]) -> None:
    zygote.forget(empty_store)
    assert zygote.run(*SEARCH, "trials=3") == 0, zygote.log
    assert zygote.run(*SEARCH, f"trials={TRIALS}", "resume=true") == 0, zygote.log
    assert outcome(zygote.project) == undisturbed


@pytest.mark.slow
def test_a_search_whose_study_is_gone_is_not_begun_anew_over_its_runs(zygote: Zygote, empty_store: Path) -> None:
    zygote.forget(empty_store)
    assert zygote.run(*SEARCH, "trials=2") == 0, zygote.log
    (study,) = (zygote.project.root / "multirun").glob("*/*/study.journal")
    study.unlink()
    before = outcome(zygote.project)
    assert zygote.run(*SEARCH, "trials=3", "resume=true") == 1
    assert f"has 0 of its 2 runs; put {study} back" in zygote.log
    assert outcome(zygote.project) == before


@pytest.mark.slow
def test_two_runs_at_once_share_one_study_and_one_that_is_killed_goes_on(fresh_project: Project) -> None:
    words = [*SEARCH, "trials=9", "epochs=40", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    command = fresh_project.start(*words, OMP_NUM_THREADS="1")
    victim = _wait_for_worker(fresh_project)
    os.kill(victim, signal.SIGKILL)
    out, err = command.communicate(timeout=200)
    assert command.returncode == 0, out + err
    computed = outcome(fresh_project)
    assert len(computed) == 9
    assert {ended for _, ended, _ in computed.values()} <= {"FINISHED", "pruned"}
    assert "goes on in another" in out + err


def _wait_for_worker(project: Project) -> int:
    """Wait until a run has points, and return its process."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for run in project.runs():
            if run.info.status == "RUNNING" and "val/accuracy" in run.data.metrics:
                return int(run.data.tags["pid"])
        time.sleep(0.1)
    raise TimeoutError


@pytest.mark.slow
def test_a_run_that_fails_is_named_and_the_search_goes_on(fresh_project: Project) -> None:
    ended = fresh_project.train(
        "-m", "data=digits", "data.val_size=237", "hidden_sizes=[8]", "epochs=1", "search=random", "trials=3",
        "learning_rate=0.1,1e30,0.2", "activation=relu",
    )  # fmt: skip
    assert ended.returncode == 1
    assert "1 of 3 runs failed" in ended.stderr
    assert Counter(run.info.status for run in fresh_project.runs()) == {"FINISHED": 2, "FAILED": 1}


@pytest.mark.slow
def test_a_search_of_one_point_is_one_run(project: Project) -> None:
    ended = project.train(
        "-m", "data=digits", "data.val_size=237", "hidden_sizes=[8]", "epochs=1", "search=tpe", "trials=3",
        "batch_size=range(64,65)", "tracking.sweep=point",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "all combinations have been tried: 1 of trials=3" in ended.stdout
    assert len([run for run in project.runs() if run.data.tags[SWEEP_TAG] == "point"]) == 1


@pytest.mark.slow
def test_patience_ends_a_search(project: Project) -> None:
    ended = project.train(
        "-m", "data=digits", "data.val_size=237", "hidden_sizes=[8]", "epochs=1", "search=random", "trials=50",
        "learning_rate=interval(1e-6, 1e-5)", "patience=2", "tracking.sweep=patient",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "patience=2: the last 2 runs were no better than the best before; no other run begins" in ended.stdout
    assert 3 <= len([run for run in project.runs() if run.data.tags[SWEEP_TAG] == "patient"]) < 50


def test_the_plan_shows_the_space(project: Project) -> None:
    ended = project.train(*ALL, "plan=true")
    assert ended.returncode == 0, ended.stderr
    assert "from 0.001 to 1 by its logarithm" in ended.stdout
    assert f"{TRIALS} to run" in ended.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["search=tpe"], "trials=null: says how many runs a search tries; search=tpe needs it, such as trials=24"),
        (["search=tpe", "trials=0"], "trials=0: takes a number of runs, at least 1"),
        (["trials=3"], "trials=3: says how many runs a search tries; add search=tpe, or leave it out"),
        (["search=tpe", "trials=3", "data.val_size=0"], "search=tpe: needs images to judge by"),
        (["pruner=median", "data.val_size=0"], "pruner=median: needs images to judge by"),
        (["search=tpe", "trials=3", "patience=0"], "patience=0: takes a number above 0"),
        (["patience=3"], "patience=3: ends a search; add search=tpe, or leave it out"),
        (["search=tpe", "trials=3", "seed=1,2"], "seed=1,2: a search compares its runs at one seed"),
        (["search=tpe", "trials=2000"], "max_jobs=1000: the search has 2,000 runs"),
        (["learning_rate=interval(0.1,1)"], "learning_rate=interval(0.1,1): a grid takes a list of values"),
        (["search=tpe", "trials=3", "batch_size=range(0,3)"], "batch_size=0: takes a number of rows, at least 1"),
        (["search=bayes", "trials=3"], "search=bayes"),
        (["pruner=median", "learning_rate=interval(0.1,1)"], "learning_rate=interval(0.1,1): a grid takes a list"),
        (["search=tpe", "trials=3", "pruner=median,asha"], "pruner: must be the same in the whole sweep"),
        (["search=tpe", "trials=3", "tracking.sweep=a,b"], "tracking.sweep: must be the same in the whole sweep"),
        (["search=tpe", "trials=3", "search_storage=postgresql://me:secretword@h/s"], "search_storage=...: shows a"),
        (["search=tpe", "trials=3", "search_storage=elsewhere"], "search_storage=elsewhere: takes the address of"),
    ],
)
def test_what_cannot_be_searched_is_one_message(project: Project, words: list[str], message: str) -> None:
    ended = project.train("-m", "data=digits", "data.val_size=237", "activation=relu,tanh", *words)
    assert ended.returncode == 1
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_search_without_m_is_refused(project: Project) -> None:
    ended = project.train("data=digits", "data.val_size=237", "search=tpe", "trials=3")
    assert ended.returncode == 1
    assert "search=tpe: says how to carry out a sweep; add -m" in ended.stderr


@pytest.mark.slow
def test_another_space_does_not_go_on(project: Project) -> None:
    words = ["-m", "data=digits", "data.val_size=237", "hidden_sizes=[8]", "epochs=1", "search=random", "trials=1"]
    begun = project.train(*words, "learning_rate=interval(0.1,0.2)")
    assert begun.returncode == 0, begun.stderr
    other = project.train(*words, "learning_rate=interval(0.1,0.3)", "resume=true")
    assert other.returncode == 1
    assert "learning_rate=interval(0.1,0.2)" in other.stderr

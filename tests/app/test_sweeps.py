"""A sweep has a run of its own, a plan, states and a result, whichever launcher runs it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

import psutil
import pytest

from conftest import Project

FAST = [
    "data=digits",
    "hidden_sizes=[32,16]",
    "learning_rate=0.1",
    "log_every=10",
    "epochs=2",
    "batch_size=50",
    "diagnostics=false",
]
SLOW = [*FAST, "epochs=100000"]


def test_members_of_a_sweep_share_a_tag_are_named_by_what_varies_and_the_link_finds_them(
    fresh_project: Project,
) -> None:
    done = fresh_project.train("-m", *FAST, "activation=relu,tanh", "learning_rate=0.1,1e-2")
    assert done.returncode == 0, done.stderr
    runs = fresh_project.runs()
    names = sorted(str(run.info.run_name) for run in runs)
    assert names == ["relu lr=0.01", "relu lr=0.1", "tanh lr=0.01", "tanh lr=0.1"]
    assert {run.info.status for run in runs} == {"FINISHED"}
    (sweep,) = {run.data.tags["sweep"] for run in runs}
    assert all("mlflow.parentRunId" not in run.data.tags for run in runs)
    link = re.search(r"all curves of this sweep: (\S+)", done.stdout)
    assert link is not None
    query = urllib.parse.parse_qs(link[1].partition("?")[2])
    assert query["searchFilter"] == [f"tags.sweep = '{sweep}'"]
    experiment = link[1].partition("/experiments/")[2].partition("/")[0]
    matching = fresh_project.client.search_runs([experiment], query["searchFilter"][0])
    assert {run.info.run_id for run in matching} == {run.info.run_id for run in runs}
    (own,) = fresh_project.sweeps()
    assert own.data.tags["sweep.id"] == sweep
    assert "all curves" in own.data.tags["mlflow.note.content"]
    for run in runs:
        assert f"runs/{own.info.run_id}/artifacts/comparison.html" in run.data.tags["mlflow.note.content"]


@pytest.mark.slow
def test_a_sweep_that_older_code_recorded_is_planned_compared_and_resumed(fresh_project: Project) -> None:
    typed = ["-m", *FAST, "activation=relu,tanh"]
    assert fresh_project.train(*typed).returncode == 0
    (own,), client = fresh_project.sweeps(), fresh_project.client
    sweep = own.data.tags["sweep.id"]
    client.set_tag(own.info.run_id, "sweep", sweep)  # the tag that older code gave to the sweep's own run, too
    for tag in ("sweep.id", "sweep.report"):
        client.delete_tag(own.info.run_id, tag)
    command = [sys.executable, "src/compare.py", f"sweep={sweep}"]
    compared = subprocess.run(
        command, cwd=fresh_project.root, env=fresh_project.environment(), capture_output=True, text=True
    )
    assert compared.returncode == 0, compared.stderr
    last = subprocess.run(
        command[:2], cwd=fresh_project.root, env=fresh_project.environment(), capture_output=True, text=True
    )
    assert last.stdout == compared.stdout
    again = fresh_project.train(*typed, "resume=true")
    assert again.returncode == 0, again.stderr
    assert f"sweep {sweep}: 2 runs (2 finished); 0 to run" in again.stdout
    assert len(fresh_project.sweeps()) == 1
    taken = fresh_project.train("-m", *FAST, "activation=relu,sigmoid", f"tracking.sweep={sweep}")
    assert "there is a sweep of this name" in taken.stderr


def test_the_sweep_has_a_run_of_its_own_with_its_result(fresh_project: Project) -> None:
    done = fresh_project.train("-m", *FAST, "activation=relu,tanh", "seed=1,2")
    assert done.returncode == 0, done.stderr
    (sweep,), runs = fresh_project.sweeps(), fresh_project.runs()
    tags = sweep.data.tags
    assert sweep.info.status == "FINISHED"
    assert {run.data.tags["sweep"] for run in runs} == {tags["sweep.id"]}
    assert [run.data.tags["sweep.job"] for run in runs] == ["0", "1", "2", "3"]
    assert sweep.data.params["axes"] == "activation, seed"
    assert sweep.data.params["jobs"] == "4"
    assert "activation=relu,tanh" in sweep.data.params["command"]
    assert [tags[f"sweep.{state}"] for state in ("finished", "failed", "killed", "skipped")] == [
        "4",
        "0",
        "0",
        "0",
    ]
    best = max(runs, key=lambda run: run.data.metrics["final/test_accuracy"])
    assert tags["sweep.best_run"] == best.info.run_id
    folder = Path(urllib.parse.urlparse(sweep.info.artifact_uri).path)
    result = json.loads((folder / "result.json").read_text())
    assert [(row["name"], row["state"]) for row in result] == [(run.info.run_name, "finished") for run in runs]
    assert json.loads((folder / "manifest.json").read_text())["jobs"][3]["config"]["activation"] == "tanh"


@pytest.mark.slow
def test_a_member_that_fails_leaves_the_others_running_and_is_named_at_the_end(fresh_project: Project) -> None:
    done = fresh_project.train("-m", *FAST, "activation=relu", "learning_rate=0.1,1e9,0.01", "hydra/launcher=joblib")
    assert done.returncode == 1
    states = {run.info.run_name: run.info.status for run in fresh_project.runs()}
    assert states == {"lr=0.1": "FINISHED", "lr=1e+09": "FAILED", "lr=0.01": "FINISHED"}
    assert "ERROR: 1 of 3 runs failed" in done.stderr
    assert re.search(r"lr=1e\+09: train/loss=\S+ at iteration", done.stderr)
    assert "2 of 3 runs have finished (1 failed); lr=1e+09 never did\n" in done.stdout
    assert "│ best │" in done.stdout
    (log,) = re.findall(r"log: (\S+)", done.stderr)
    assert "training diverged" in Path(log).read_text()
    assert "Traceback" not in done.stderr
    (sweep,) = fresh_project.sweeps()
    assert (sweep.info.status, sweep.data.tags["sweep.failed"]) == ("FAILED", "1")


@pytest.mark.slow
def test_fail_fast_starts_no_other_run(fresh_project: Project) -> None:
    options = ["activation=relu", "learning_rate=0.1,1e9,0.01", "fail_fast=true"]
    done = fresh_project.train("-m", *FAST, *options)
    assert done.returncode == 1
    assert [run.info.status for run in fresh_project.runs()] == ["FINISHED", "FAILED"]
    assert "1 of 3 runs failed, 1 skipped" in done.stderr
    # resume=true runs what failed and what was skipped.
    done = fresh_project.train("-m", *FAST, *options[:2], "resume=true")
    assert done.returncode == 1
    assert [run.info.status for run in fresh_project.runs()] == ["FINISHED", "FAILED", "FAILED", "FINISHED"]


@pytest.mark.slow
def test_retry_includes_what_was_skipped(fresh_project: Project) -> None:
    options = ["activation=relu", "learning_rate=1e9,0.1", "fail_fast=true", "retry=1"]
    done = fresh_project.train("-m", *FAST, *options)
    assert done.returncode == 1
    assert "1 of 2 runs failed, 1 skipped" in done.stderr
    done = fresh_project.train("-m", *FAST, *options, "resume=true")
    assert [run.data.params["learning_rate"] for run in fresh_project.runs()] == ["1000000000.0"] * 4


def test_a_job_that_fails_before_it_has_a_run_is_in_the_result(fresh_project: Project) -> None:
    done = fresh_project.train("-m", *FAST, "batch_size=50,100000")
    assert done.returncode == 1
    tags = fresh_project.sweeps()[0].data.tags
    assert (tags["sweep.finished"], tags["sweep.failed"]) == ("1", "1")


@pytest.mark.parametrize("arguments", [["tracking.experiment=a,b"], ["retry=0,1"]])
def test_a_key_of_the_whole_sweep_cannot_be_swept(fresh_project: Project, arguments: list[str]) -> None:
    done = fresh_project.train("-m", *FAST, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(f"ERROR: {arguments[0].partition('=')[0]}: must be the same in the whole sweep")


@pytest.mark.slow
def test_a_name_that_is_taken_is_refused(fresh_project: Project) -> None:
    assert fresh_project.train(*FAST, "tracking.sweep=mine").returncode == 0
    done = fresh_project.train("-m", *FAST, "tracking.sweep=mine", "activation=relu,tanh")
    assert done.returncode == 1
    assert "ERROR: tracking.sweep=mine: there is a sweep of this name; resume=true" in done.stderr
    assert len(fresh_project.runs()) == 1


def test_retry_runs_failed_members_again(fresh_project: Project) -> None:
    done = fresh_project.train("-m", *FAST, "activation=relu", "learning_rate=0.1,1e9", "retry=2")
    assert done.returncode == 1
    assert [run.info.status for run in fresh_project.runs()] == ["FINISHED", "FAILED", "FAILED", "FAILED"]
    assert done.stdout.count("trying again: 1 that failed") == 2


@pytest.mark.slow
def test_the_plan_shows_states_and_time_and_runs_nothing(fresh_project: Project) -> None:
    typed = ["-m", *FAST, "activation=relu", "learning_rate=0.1,1e9,-1,0.01"]
    plan = fresh_project.train(*typed, "plan=true")
    assert plan.returncode == 0, plan.stderr
    assert fresh_project.runs() == []
    assert re.findall(r"\b(new|invalid)\b", plan.stdout)[:4] == ["new", "new", "invalid", "new"]
    assert "run 2 is invalid: learning_rate=-1.0: takes a number above 0" in plan.stdout
    assert "3 to run; how long it takes is not known" in plan.stdout

    typed[-1] = "learning_rate=0.1,1e9,0.01"
    assert fresh_project.train(*typed).returncode == 1
    plan = fresh_project.train(*typed, "plan=true")
    assert re.findall(r"\b(new|finished|failed)\b", plan.stdout)[:3] == ["finished", "failed", "finished"]
    assert re.search(r"1 to run: about \d+ s", plan.stdout)
    assert len(fresh_project.runs()) == 3


def test_a_plan_of_one_run_is_refused(fresh_project: Project) -> None:
    done = fresh_project.train(*FAST, "plan=true")
    assert done.returncode == 1
    assert done.stderr.startswith("ERROR: plan=true: says how to carry out a sweep; add -m")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "whole_group"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_a_signal_to_a_parallel_sweep_ends_every_run_killed_and_leaves_no_process(
    fresh_project: Project, number: signal.Signals, whole_group: bool
) -> None:
    process = fresh_project.start("-m", *SLOW, "activation=relu,tanh,sigmoid", "hydra/launcher=joblib")
    family = wait_for_members(fresh_project, process, 2)
    if whole_group:  # as in a terminal: Ctrl-C reaches the workers too
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    stdout, stderr = process.communicate(timeout=90)
    assert process.returncode == 128 + number, stderr
    assert sorted(re.findall(r"^(\w+): running$", stdout, re.M)) == ["relu", "tanh"]
    assert re.search(r"^0 of 3 runs have finished \(2 killed, 1 never began\)$", stdout, re.M)
    assert "Traceback" not in stderr
    runs = fresh_project.runs()
    assert [run.info.status for run in runs] == ["KILLED", "KILLED"]
    for run in runs:
        steps = [step for step, _ in fresh_project.points(run, "train/loss")]
        assert steps == list(range(10, 10 * len(steps) + 1, 10))
        assert (fresh_project.root / run.data.tags["output_folder"] / "checkpoint.npz").exists()
    assert fresh_project.sweeps()[0].info.status == "KILLED"
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive


@pytest.mark.slow
def test_an_interrupted_sweep_ranks_what_has_finished_and_says_what_is_missing(fresh_project: Project) -> None:
    process = fresh_project.start("-m", *FAST, "epochs=1,100000,2")
    wait_for_members(fresh_project, process, 2)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=90)
    assert process.returncode == 130, stderr
    assert "\n1 of 3 runs are done; to go on, type:\n" in stdout
    assert "1 of 3 runs have finished (1 killed, 1 never began); epochs=100000 and epochs=2 never did\n" in stdout
    (best,) = [line for line in stdout.splitlines() if line.startswith("│ best │ 1 ")]
    assert best.endswith("│ 1 finished │")
    (run_id,) = re.findall(r"runs/(\w+)/artifacts/comparison.html", stdout)
    assert fresh_project.sweeps()[0].info.run_id == run_id


@pytest.mark.slow
def test_a_killed_worker_does_not_stop_the_other_runs(fresh_project: Project) -> None:
    process = fresh_project.start("-m", *FAST, "epochs=800", "activation=relu,tanh", "hydra/launcher=joblib")
    wait_for_members(fresh_project, process, 1)
    psutil.Process(int(fresh_project.runs()[0].data.tags["pid"])).kill()
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    assert "the launcher broke down" in stderr
    assert [run.info.status for run in fresh_project.runs()] == ["FINISHED"] * 2


@pytest.mark.slow
def test_parallel_jobs_share_the_threads(fresh_project: Project) -> None:
    done = fresh_project.train(
        "-m", *FAST, "engine=numpy,torch", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2",
        OMP_NUM_THREADS="", OPENBLAS_NUM_THREADS="",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    share = max(1, len(psutil.Process().cpu_affinity()) // 2)
    assert {run.data.tags["threads"] for run in fresh_project.runs()} == {str(share)}


@pytest.mark.slow
def test_a_running_sweep_cannot_be_resumed(fresh_project: Project) -> None:
    typed = ["-m", *SLOW, "activation=relu,tanh"]
    process = fresh_project.start(*typed)
    wait_for_members(fresh_project, process, 1)
    done = fresh_project.train(*typed, "resume=true")
    process.kill()
    process.communicate()
    assert done.returncode == 1
    assert re.search(r"ERROR: resume=true: sweep \S+ is still running, by process \d+ on", done.stderr)


def wait_for_members(project: Project, process: subprocess.Popen[str], count: int) -> list[psutil.Process]:
    """Wait until so many members have logged points; return the command's processes."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        if sum("train/loss" in run.data.metrics for run in project.runs()) >= count:
            return psutil.Process(process.pid).children(recursive=True)
        time.sleep(0.2)
    process.kill()
    pytest.fail(f"no point appeared: {process.communicate()}")


def test_former_spellings_are_understood(fresh_project: Project) -> None:
    plan = fresh_project.train("-m", *FAST, "optimizer=gd,sgd", "hydra/launcher=plan")
    assert plan.returncode == 0, plan.stderr
    assert "2 to run" in plan.stdout
    assert fresh_project.train(*FAST, "optimizer=gd").returncode == 0
    assert [run.data.params["optimizer"] for run in fresh_project.runs()] == ["sgd"]

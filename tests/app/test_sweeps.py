"""A sweep is one thing: with a run of its own, a plan, states and a result, whatever launches it."""

import json
import os
import re
import signal
import subprocess
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
    found = fresh_project.client.search_runs([experiment], query["searchFilter"][0])
    assert {run.info.run_id for run in found} == {run.info.run_id for run in [*runs, *fresh_project.sweeps()]}


def test_the_sweep_has_a_run_of_its_own_with_its_result(fresh_project: Project) -> None:
    done = fresh_project.train("-m", *FAST, "activation=relu,tanh", "seed=1,2")
    assert done.returncode == 0, done.stderr
    (sweep,), runs = fresh_project.sweeps(), fresh_project.runs()
    tags = sweep.data.tags
    assert sweep.info.status == "FINISHED"
    assert {run.data.tags["sweep"] for run in runs} == {tags["sweep"]}
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


def test_fail_fast_begins_no_other_run(fresh_project: Project) -> None:
    options = ["activation=relu", "learning_rate=0.1,1e9,0.01", "fail_fast=true"]
    done = fresh_project.train("-m", *FAST, *options)
    assert done.returncode == 1
    assert [run.info.status for run in fresh_project.runs()] == ["FINISHED", "FAILED"]
    assert "1 of 3 runs failed, 1 were not begun" in done.stderr
    # What failed runs again, and what was not begun is.
    done = fresh_project.train("-m", *FAST, *options[:2], "resume=true")
    assert done.returncode == 1
    assert [run.info.status for run in fresh_project.runs()] == ["FINISHED", "FAILED", "FAILED", "FINISHED"]


def test_what_was_not_begun_is_tried_with_what_failed(fresh_project: Project) -> None:
    options = ["activation=relu", "learning_rate=1e9,0.1", "fail_fast=true", "retry=1"]
    done = fresh_project.train("-m", *FAST, *options)
    assert done.returncode == 1
    assert "1 of 2 runs failed, 1 were not begun" in done.stderr
    done = fresh_project.train("-m", *FAST, *options, "resume=true")
    assert [run.data.params["learning_rate"] for run in fresh_project.runs()] == ["1000000000.0"] * 4


def test_a_job_that_fails_before_it_has_a_run_is_in_the_result(fresh_project: Project) -> None:
    done = fresh_project.train("-m", *FAST, "batch_size=50,100000")
    assert done.returncode == 1
    tags = fresh_project.sweeps()[0].data.tags
    assert (tags["sweep.finished"], tags["sweep.failed"]) == ("1", "1")


@pytest.mark.parametrize("arguments", [["tracking.experiment=a,b"], ["retry=0,1"]])
def test_what_the_whole_sweep_has_in_common_is_not_swept(fresh_project: Project, arguments: list[str]) -> None:
    done = fresh_project.train("-m", *FAST, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(f"ERROR: {arguments[0].partition('=')[0]}: is one for the whole sweep")


def test_a_name_that_is_taken_is_refused(fresh_project: Project) -> None:
    assert fresh_project.train(*FAST, "tracking.sweep=mine").returncode == 0
    done = fresh_project.train("-m", *FAST, "tracking.sweep=mine", "activation=relu,tanh")
    assert done.returncode == 1
    assert "ERROR: tracking.sweep=mine: the store has a sweep of this name; resume=true" in done.stderr
    assert len(fresh_project.runs()) == 1


def test_retry_tries_what_failed_again(fresh_project: Project) -> None:
    done = fresh_project.train("-m", *FAST, "activation=relu", "learning_rate=0.1,1e9", "retry=2")
    assert done.returncode == 1
    assert [run.info.status for run in fresh_project.runs()] == ["FINISHED", "FAILED", "FAILED", "FAILED"]
    assert done.stdout.count("trying again: 1 that failed") == 2


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
    assert done.stderr.startswith("ERROR: plan=true: shows what a sweep would run; add -m")


@pytest.mark.parametrize(("number", "whole_group"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_a_signal_to_a_parallel_sweep_ends_every_run_killed_and_leaves_no_process(
    fresh_project: Project, number: signal.Signals, whole_group: bool
) -> None:
    process = fresh_project.start("-m", *SLOW, "activation=relu,tanh,sigmoid", "hydra/launcher=joblib")
    family = wait_for_members(fresh_project, process, 2)
    if whole_group:  # as a terminal does it: Ctrl-C reaches the workers too
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    stdout, stderr = process.communicate(timeout=90)
    assert process.returncode == 128 + number, stderr
    assert re.search(r"^0 of 3 runs have finished \(2 killed, 1 never began\); .* never did$", stdout, re.M)
    assert "Traceback" not in stderr
    runs = fresh_project.runs()
    assert [run.info.status for run in runs] == ["KILLED", "KILLED"]
    for run in runs:
        steps = [step for step, _ in fresh_project.points(run, "train/loss")]
        assert steps == list(range(10, 10 * len(steps) + 1, 10))
        assert (Path(run.data.tags["output_folder"]) / "checkpoint.npz").exists()
    assert fresh_project.sweeps()[0].info.status == "KILLED"
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive


def test_an_interrupted_sweep_ranks_what_has_finished_and_says_what_is_missing(fresh_project: Project) -> None:
    process = fresh_project.start("-m", *FAST, "epochs=1,100000,2")
    wait_for_members(fresh_project, process, 2)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=90)
    assert process.returncode == 130, stderr
    assert "1 of 3 runs have finished (1 killed, 1 never began); epochs=100000 and epochs=2 never did\n" in stdout
    (best,) = [line for line in stdout.splitlines() if line.startswith("│ best │ 1 ")]
    assert best.endswith("│ 1 finished │")
    (run_id,) = re.findall(r"runs/(\w+)/artifacts/comparison.html", stdout)
    assert fresh_project.sweeps()[0].info.run_id == run_id


def test_a_worker_that_is_killed_costs_no_other_run(fresh_project: Project) -> None:
    process = fresh_project.start("-m", *FAST, "epochs=80", "activation=relu,tanh", "hydra/launcher=joblib")
    wait_for_members(fresh_project, process, 1)
    psutil.Process(int(fresh_project.runs()[0].data.tags["pid"])).kill()
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    assert "the launcher broke down" in stderr
    assert [run.info.status for run in fresh_project.runs()] == ["FINISHED"] * 2


def test_jobs_in_parallel_keep_to_their_share_of_the_threads(fresh_project: Project) -> None:
    done = fresh_project.train(
        "-m", *FAST, "engine=numpy,torch", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2",
        OMP_NUM_THREADS="", OPENBLAS_NUM_THREADS="",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    share = max(1, len(psutil.Process().cpu_affinity()) // 2)
    assert {run.data.tags["threads"] for run in fresh_project.runs()} == {str(share)}


def test_a_sweep_that_is_running_is_not_resumed_beside_itself(fresh_project: Project) -> None:
    typed = ["-m", *SLOW, "activation=relu,tanh"]
    process = fresh_project.start(*typed)
    wait_for_members(fresh_project, process, 1)
    done = fresh_project.train(*typed, "resume=true")
    process.kill()
    process.communicate()
    assert done.returncode == 1
    assert re.search(r"ERROR: resume=true: sweep \S+ is still running, as process \d+ on", done.stderr)


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

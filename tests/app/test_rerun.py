"""``python src/rerun.py``: a run of the store, run again, with a certificate; or one message why not."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from mlflow.entities import Run

from conftest import PROJECT, Project
from mlplab.app.rerun import _rerun
from mlplab.errors import ConfigError, UserError
from mlplab.rerun.old_code import begin_there
from mlplab.schema import CERTIFICATE_TAG, CODE_TAG, CPU_TAG, RERUN_OF_TAG, State

pytestmark = pytest.mark.slow

FAST = ["data=digits", "hidden_sizes=[8]", "learning_rate=0.1", "log_every=10", "epochs=1", "activation=relu"]
SWEPT = [*FAST, "dtype=float64"]  # where a weight decay of 1e300 diverges
Done = subprocess.CompletedProcess[str]


def rerun(project: Project, *arguments: str, **variables: str) -> Done:
    return project.run("rerun", *arguments, **variables)


def train(project: Project, *arguments: str, **variables: str) -> Run:
    done = project.train(*FAST, *arguments, **variables)
    assert done.returncode == 0, done.stderr
    return project.runs()[-1]


def artifact(project: Project, run: Run, name: str) -> str:
    return Path(project.client.download_artifacts(run.info.run_id, name)).read_text()


def certificate(project: Project, run: Run, again: Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(artifact(project, run, f"certificates/{again.info.run_id}.json"))
    return found


@pytest.fixture(scope="module")
def trained(project: Project) -> Run:
    return train(project)


def test_a_run_comes_back_bit_by_bit_and_both_have_the_certificate(project: Project, trained: Run) -> None:
    before = trained.data
    done = rerun(project, trained.info.run_id)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    again = project.runs()[-1]
    assert again.data.tags[RERUN_OF_TAG] == trained.info.run_id
    assert "differs        nothing that was recorded" in done.stdout
    assert "the same: all points and weights are equal bit by bit" in done.stdout
    for run in (trained, again):
        found = certificate(project, run, again)
        assert found["holds"] is found["is_exact"] is True
        assert found["points"]["equal"] == found["points"]["compared"] > 10
        assert found["weights"]["equal"] == found["weights"]["compared"] == 64 * 8 + 8 + 8 * 10 + 10
        assert artifact(project, run, f"certificates/{again.info.run_id}.txt").rstrip() in done.stdout
    after = project.client.get_run(trained.info.run_id).data
    assert after.tags.pop(CERTIFICATE_TAG).startswith("the same: ")
    assert (after.tags, after.params, after.metrics) == (before.tags, before.params, before.metrics)


def test_another_engine_is_compared_on_purpose_and_within_a_tolerance(project: Project, trained: Run) -> None:
    done = rerun(project, trained.info.run_id, "engine=torch", "tolerance=1e-4")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "engine: numpy then, torch now, on purpose" in done.stdout
    assert "the same within 0.0001: points and weights, but not bit by bit" in done.stdout
    found = certificate(project, trained, project.runs()[-1])
    assert 0 < found["points"]["largest"]["difference"] < 1e-4
    assert found["points"]["equal"] < found["points"]["compared"]


def test_what_is_not_the_same_ends_with_status_3_and_what_explains_it(project: Project, trained: Run) -> None:
    done = rerun(project, trained.info.run_id, "seed=1")
    assert done.returncode == 3
    assert "not the same bit by bit" in done.stdout
    assert "first difference: test/accuracy at 10, " in done.stdout
    assert "explained by   seed: 0 then, 1 now, on purpose" in done.stdout
    assert project.client.get_run(trained.info.run_id).data.tags[CERTIFICATE_TAG].startswith("not the same bit by bit")


def test_as_many_threads_as_then_compute(project: Project) -> None:
    run = train(project, OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="2")
    if run.data.tags["threads"] != "2":
        pytest.skip("this machine has one core")
    done = rerun(project, run.info.run_id)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "threads        2, as then; this command began again for that (otherwise 1)" in done.stdout
    assert project.runs()[-1].data.tags["threads"] == "2"


def test_every_finished_member_of_a_sweep_comes_back_and_so_does_the_best(project: Project) -> None:
    assert project.train("-m", *SWEPT, "weight_decay=0,1e300").returncode == 1  # one diverges
    (sweep,) = project.sweeps()
    name = sweep.data.tags["sweep.id"]
    done = rerun(project, name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 run the same; 1 member failed, not run again" in done.stdout
    again = project.runs()[-1]
    assert "sweep" not in again.data.tags
    assert rerun(project, "best", "tolerance=0").returncode == 0
    assert project.runs()[-1].data.tags[RERUN_OF_TAG] == again.data.tags[RERUN_OF_TAG]


def test_a_killed_run_is_compared_as_far_as_it_came(project: Project) -> None:
    run = train(project)
    project.client.set_terminated(run.info.run_id, "KILLED")
    done = rerun(project, run.info.run_id)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "weights        not compared: the original was killed, and has saved no model" in done.stdout


def test_a_run_of_an_older_commit_comes_back_on_the_defaults_of_today(project: Project) -> None:
    run = train(project)
    older = edited(project, run, {"monitor": None, "keep": None, "note": None, "network": None, "optimizer": "gd"})
    for tag in (CODE_TAG, CPU_TAG, "threads", "fingerprint"):
        project.client.delete_tag(older, tag)
    done = rerun(project, older)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the code of then had no key for monitor=accuracy, keep=last: today's default is taken" in done.stdout
    assert "the code of then did not record: threads, CPU and BLAS kernel" in done.stdout
    assert "CPU: not recorded then, " in done.stdout


def edited(project: Project, run: Run, changes: Mapping[str, Any]) -> str:
    """Let a run have recorded another config; None: without that key."""
    config = yaml.safe_load(artifact(project, run, "config.yaml"))
    config |= changes
    text = yaml.safe_dump({key: value for key, value in config.items() if value is not None})
    project.client.log_text(run.info.run_id, text, "config.yaml")
    return str(run.info.run_id)


@pytest.mark.parametrize("commit", ["be31b79", "4295a4b"])
def test_a_run_that_code_of_long_ago_has_made_is_compared_and_comes_back(
    project: Project, tmp_path: Path, commit: str
) -> None:
    """Of the first commit, which knew neither threads nor diagnostics, and of one of a week later."""
    archive = subprocess.run(["git", "-C", str(PROJECT), "archive", commit, "src", "conf"], capture_output=True)
    if archive.returncode:
        pytest.skip("the history of the project is not here")
    subprocess.run(["tar", "-x", "-C", str(tmp_path)], input=archive.stdout, check=True)
    words = [*FAST, f"tracking.uri={project.uri}", f"hydra.run.dir={tmp_path / 'out'}"]
    assert begin_there(tmp_path, words).wait() == 0
    old = project.runs()[-1].info.run_id
    assert project.run("compare", f"runs=[{old}]").returncode == 0
    done = rerun(project, old, "tolerance=1e-6")  # the gradients' sums have another order since
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the code of then had no key for " in done.stdout
    assert "certificate    the same" in done.stdout


NET = """
from torch import nn

class MyNet(nn.Sequential):
    def __init__(self, classes):
        super().__init__(nn.Flatten(), nn.Linear(6, classes))
"""


def test_data_and_a_network_of_ones_own_come_back_where_they_are_as_they_were(project: Project) -> None:
    rng = np.random.default_rng(0)
    arrays = {"x_train": rng.normal(size=(90, 1, 2, 3)).astype(np.float32), "y_train": rng.integers(0, 3, 90)}
    file = project.root / "own.npz"
    np.savez(file, **arrays)
    (project.root / "rerun_net.py").write_text(NET)
    own = [
        "data=npz", f"data.path={file}", "engine=torch", "network._target_=rerun_net.MyNet", "batch_size=16",
        "log_every=2", "epochs=1",
    ]  # fmt: skip
    done = project.train(*own)
    assert done.returncode == 0, done.stderr
    run = project.runs()[-1].info.run_id
    done = rerun(project, run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all points and weights are equal bit by bit" in done.stdout

    (project.root / "rerun_net.py").write_text(NET + "\n# another\n")
    done = rerun(project, run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the network's code: " in done.stdout

    np.savez(file, **{**arrays, "y_train": arrays["y_train"][::-1]})
    refused = rerun(project, run)
    assert refused.returncode == 1
    assert "ERROR: data=npz: has the digest " in refused.stderr
    assert f"in run {run}; bring back what {file} was then, or train anew" in refused.stderr
    file.unlink()
    refused = rerun(project, run)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"ERROR: data.path={file}: ")


@dataclass(frozen=True)
class Refusal:
    typed: tuple[str, ...]
    message: str


REFUSALS = {
    "nothing": Refusal((), "nothing typed: takes a run's id, a sweep's id or best"),
    "two runs": Refusal(("a", "b"), "a b: takes a run's id"),
    "an unknown run": Refusal(("f" * 32,), "f{32}: no such run; the experiment has "),
    "an unknown sweep": Refusal(("2026",), "2026: is no id of a run .*, and no sweep; the experiment has "),
    "an unknown flag": Refusal(("ID", "--check"), "--check: no such flag; there are --checkout and "),
    "a folder that there is not": Refusal(("ID", "--config-dir", "none"), "--config-dir none: no such folder"),
    "a tolerance below 0": Refusal(("ID", "tolerance=-1"), "tolerance=-1: takes a number, 0 "),
    "a tolerance that is no number": Refusal(("ID", "tolerance=x"), "tolerance=x: takes a number, 0 "),
    "a key that there is not": Refusal(("ID", "tolerence=1"), "tolerence: no such key; did you mean tolerance"),
    "a key without a value": Refusal(("ID", "seed="), "seed=: takes a single key of a run and its value"),
    "a group": Refusal(("ID", "data=mnist"), "data=mnist: takes a single key of a run and its value"),
    "how to carry out": Refusal(("ID", "retry=2"), "retry=2: says nothing of what a run computes"),
    "a wrong value": Refusal(("ID", "seed=x"), "ID: seed=x: takes a whole number"),
    "a value out of bounds": Refusal(("ID", "seed=-1"), "seed=-1: takes a whole number, 0 or more"),
    "other keys with the code of then": Refusal(("ID", "--checkout", "seed=1"), "seed=1: --checkout runs what was "),
    "no repository": Refusal(("ID", "--checkout"), "--checkout: .*(in no git repository|recorded no commit); leave "),
    "an unknown experiment": Refusal(("ID", "tracking.experiment=none"), "tracking.experiment=none: .* no such"),
    "no store": Refusal(("ID", "tracking.uri=sqlite:////nowhere/x.db"), "tracking.uri=.*: no run is there yet"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_mistake_is_refused_with_the_reason(project: Project, trained: Run, what: str) -> None:
    refusal, run_id = REFUSALS[what], trained.info.run_id
    typed = [word.replace("ID", run_id) for word in refusal.typed]
    own = [] if any(word.startswith("tracking.uri") for word in typed) else [f"tracking.uri={project.uri}"]
    count = len(project.runs())
    with pytest.raises(UserError, match=refusal.message.replace("ID", run_id)):
        _rerun([*typed, *own])
    assert len(project.runs()) == count


@pytest.mark.parametrize("state", State)
def test_only_what_has_finished_or_was_killed_is_run_again(project: Project, trained: Run, state: State) -> None:
    """The run that is made here has a state alone."""
    client = project.client
    run = client.create_run(trained.info.experiment_id, tags={"sweep.pruned_reason": "left behind", "error": "Oh"})
    words = {
        State.finished: "has no config.yaml", State.killed: "has no config.yaml", State.failed: r"failed \(Oh\); mend",
        State.pruned: r"was pruned \(left behind\)", State.running: "is running; wait for its end",
        State.scheduled: "is scheduled; wait for its end",
    }  # fmt: skip
    if state not in words:
        pytest.skip("a state of jobs, which no run has")
    if state is State.pruned:
        client.set_tag(run.info.run_id, "sweep.state", "pruned")
    client.update_run(run.info.run_id, "FINISHED" if state is State.pruned else state.upper())
    try:
        with pytest.raises(ConfigError, match=f"{run.info.run_id}: .*{words[state]}"):
            _rerun([run.info.run_id, f"tracking.uri={project.uri}"])
    finally:
        client.delete_run(run.info.run_id)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"momentum_term": 1}, "was made by code that had a key momentum_term, and today's has none; --checkout"),
        ({"data": {"name": "digits", "colour": 1}}, "had a key data.colour, and today's has none"),
        ({"note": "${oc.env:HOME}"}, "refers to something outside of it"),
        ({"engine": "torch", "network": {"_target_": "os.system", "command": "false"}}, "os.system: is no torch.nn"),
        (
            {"engine": "torch", "network": {"_target_": "torch.nn.Linear", "_args_": [{"_target_": "os.getcwd"}]}},
            "its arguments name classes of their own",
        ),
    ],
)
def test_a_config_that_cannot_be_trusted_or_taken_is_refused(
    project: Project, trained: Run, changes: Mapping[str, Any], message: str
) -> None:
    before = artifact(project, trained, "config.yaml")
    edited(project, trained, changes)
    try:
        with pytest.raises(ConfigError, match=message):
            _rerun([trained.info.run_id, f"tracking.uri={project.uri}"])
    finally:
        project.client.log_text(trained.info.run_id, before, "config.yaml")


def test_a_sweeps_own_run_and_a_sweep_without_results_are_refused(fresh_project: Project) -> None:
    assert fresh_project.train("-m", *SWEPT, "weight_decay=1e300").returncode == 1
    (sweep,) = fresh_project.sweeps()
    uri = f"tracking.uri={fresh_project.uri}"
    with pytest.raises(ConfigError, match="is a sweep's own run, which trained nothing"):
        _rerun([sweep.info.run_id, uri])
    for typed in (sweep.data.tags["sweep.id"], "best"):
        with pytest.raises(ConfigError, match=rf"{typed}.*: no run of it has finished \(\d failed\), nor of"):
            _rerun([typed, uri])


def git(project: Project, *arguments: str) -> None:
    who = ["-c", "user.name=somebody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", *who, "-C", str(project.root), *arguments], check=True, capture_output=True)


def test_the_code_of_then_is_brought_back_with_its_changes(fresh_project: Project) -> None:
    project, rules = fresh_project, fresh_project.root / "src/mlplab/scratch/optimizers.py"
    (project.root / ".gitignore").write_text("*.db*\nmlruns\noutputs\n__pycache__\n")
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "commit", "-qm", "then")
    config = project.root / "conf/train.yaml"
    config.write_text(config.read_text().replace("init_scale: 1.0 ", "init_scale: 0.5 "))
    run = train(project)
    assert run.data.tags["git.dirty"] == "true"
    rules.write_text(rules.read_text() + "\n# another digest of the code, and the same results\n")
    git(project, "commit", "-qam", "now")

    done = rerun(project, run.info.run_id)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "code that computes (scratch/optimizers.py): " in done.stdout

    done = rerun(project, run.info.run_id, "--checkout")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the code of then, commit " in done.stdout
    again = project.runs()[-1]
    assert again.data.tags["fingerprint"] == run.data.tags["fingerprint"]
    assert again.data.tags[RERUN_OF_TAG] == run.info.run_id
    assert not list((project.root / ".git" / "worktrees").glob("*"))

    project.client.set_tag(run.info.run_id, "git.commit", "a" * 40)
    refused = rerun(project, run.info.run_id, "--checkout")
    assert refused.returncode == 1
    assert f"--checkout: commit {'a' * 40} is not in {project.root}; fetch it" in refused.stderr

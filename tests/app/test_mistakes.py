"""What a newcomer types, by class of mistake: it works, or one message names key, value and the remedy."""

import gzip
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Project
from forks import Ended, Forks

QUICK = ["data=digits", "epochs=1", "log_every=10", "hidden_sizes=[16]", "learning_rate=0.1"]


@pytest.fixture(scope="module")
def forks(project: Project) -> Iterator[Forks]:
    presets = project.root / "conf" / "experiment"
    (presets / "open.yaml").write_text("# @package _global_\nepochs: [1\n")
    (presets / "typo.yaml").write_text("# @package _global_\nlerning_rate: 1\n")
    (presets / "headless.yaml").write_text("epochs: 1\n")
    (presets / "wrong.yaml").write_text("# @package _global_\nepochs: many\n")
    (presets / "binary.yaml").write_bytes(b"\x00\xff\xfe")
    started = Forks(project)
    yield started
    started.close()


def left_behind(project: Project) -> set[Path]:
    return {path for path in project.root.rglob("*") if "__pycache__" not in path.parts}


def require_one_message(ended: Ended, message: str) -> None:
    assert ended.status == 1, ended
    assert f"ERROR: {message}" in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout
    assert len(ended.stderr.splitlines()) <= 4


FLAGS = {
    "activation=relu,tanh": "activation=relu,tanh: makes a sweep of several runs: add -m",
    "learning_rate=interval(0,1)": "learning_rate=interval(0,1): makes a sweep of several runs: add -m",
    "-m learning_rate=interval(0,1)": "learning_rate=interval(0,1): a grid takes a list of values",
    "--epochs 3": "--epochs 3: keys are no flags; write epochs=3",
    "--epochs=3": "--epochs=3: keys are no flags; write epochs=3",
    "--log-every 3": "--log-every 3: keys are no flags; write log_every=3",
    "--plan": "--plan: keys are no flags; write plan=true",
    "--multi": "--multi: no such flag; did you mean --multirun?",
    "-x": "-x: no such flag; keys are written key=value",
    "--shell-completion": "--shell-completion data=digits: takes one of install=bash",
    "-sc install=tcsh": "--shell-completion data=digits install=tcsh: takes one of install=bash",
    "--experimental-rerun job.pickle": "--experimental-rerun: is not taken: it runs whatever is in the file",
    "--config-name x": "--config-name: is not taken: there is one config, conf/train.yaml",
    "--config-dir nowhere": "--config-dir nowhere: no such folder",
    "--cfg jobs": "--cfg jobs: takes one of job, hydra, all",
    "--cfg job -m": "--cfg -m: contradict each other; take one",
    "--resolve": "--resolve: says how to print the config; type --cfg job --resolve",
    "activation=relu,": "activation=relu,: a value is missing after the last comma",
    "activation=[relu": "activation=[relu: cannot be read; put the value into two pairs of quotes",
    "hidden_sizes=[[10]]": "hidden_sizes=[[10]]: takes one hidden layer or more",
    "~seed": "~seed: every run has it; leave that out for the default, or write seed=VALUE",
    "=3": "=3: has no key; write key=value without spaces",
    "activation": "activation: has no value; write key=value without spaces",
    "epochs=1e0": "epochs=1.0: takes a whole number",
    "epochs=null": "epochs=null: needs a value; leave it out for the default",
    "seed=${oc.env:NOPE}": "seed: cannot be resolved (\"Environment variable 'NOPE' not found\")",
    "data=[digits,mnist]": "data=[digits,mnist]: takes one choice; for one run each add -m: data=digits,mnist",
    "~data": "~data: takes a choice",
    "hydra=null": "hydra=null: takes a choice",
    "hydra.verbose=1": "hydra.verbose=1: takes true, false, or a list of loggers",
    "hydra.run.dir=": "hydra.run.dir=: has no value",
    "hydra.run.dir=conf/train.yaml": "conf/train.yaml: cannot be written (File exists); choose another place",
    "hydra.launcher.n_jobs=2": "hydra.launcher.n_jobs: is of hydra/launcher=joblib; add that",
    "-m hydra/launcher=ray_cluster seed=1,2": "tracking.uri=null: is a file, and every machine of Ray has its own",
    "-m tracking.lease_seconds=5 seed=1,2": "tracking.lease_seconds=5.0: takes at least three times",
    "-m hydra/launcher=joblib hydra.launcher.n_jobs=0 seed=1,2": "hydra.launcher.n_jobs=0: takes a number",
    "hydra.job.name=a/b": "/a/b.log: cannot be written",
    "experiment=open": "/open.yaml, line 3: is no YAML",
    "experiment=typo": "conf/experiment/typo.yaml: lerning_rate: no such key; did you mean learning_rate?",
    "experiment=headless": "conf/experiment/headless.yaml: is no preset; its first line is `# @package _global_`",
    "experiment=wrong": "conf/experiment/wrong.yaml: epochs=many: takes a whole number",
    "experiment=binary": "/binary.yaml: is no text in UTF-8",
    "tracking.uri=sqlite://": "tracking.uri=sqlite://: is a store in memory, which forgets every run; leave it out",
    "tracking.uri=sqlite:///:memory:": "tracking.uri=sqlite:///:memory:: is a store in memory",
    "tracking.uri=runs": "tracking.uri=runs: is no store of MLflow; leave it out",
}
IGNORED = {
    "experiment=assignment/relu experiment=assignment/tanh": "experiment=assignment/relu experiment=assignment/tanh: "
    "takes one preset",
    "+report=pellattiero": "+report=pellattiero: is no key of a run; `python src/reproduce.py reports=pellattiero`",
    "retry=3": "retry=3: says how to carry out a sweep; add -m, or leave it out",
    "max_jobs=5": "max_jobs=5: says how to carry out a sweep; add -m, or leave it out",
    "zip=[seed,epochs]": "zip=[seed,epochs]: says how to carry out a sweep; add -m, or leave it out",
    "only=seed<1": "only='seed<1': says how to carry out a sweep; add -m, or leave it out",
    "-m seed=1,2 epochs=1,2,3 zip=[seed,epochs]": "zip=[seed,epochs]: walks them together, but seed has 2,",
    "-m seed=1,2 only=sed<1": "only=sed<1: sed: no such key; did you mean seed?",
    "-m seed=1,2 only=activation=='relu'": "only=activation=='relu': holds for none of 2 combinations",
    "-m seed=1,2 only=seed<'x'": "only=seed<'x': cannot be told for seed=1: it compares a number (1) with",
    "-m seed=1,2 only='seed<\"x\"'": 'only=seed<"x": cannot be told for seed=1',  # in Hydra's own quotes
    "hydra/launcher=joblib": "hydra/launcher=joblib: says how to carry out a sweep; add -m, or leave it out",
    "hydra.sweep.subdir=x": "hydra.sweep.subdir=x: says how to carry out a sweep; add -m, or leave it out",
    "-m seed=1,2 hydra.sweep.subdir=x": "hydra.sweep.subdir=x: the members of a sweep lie in folders by their numbers",
    "-m seed=1,2 hydra.run.dir=x": "hydra.run.dir=x: says where a single run writes; of a sweep",
    "+hydra.x=1": "+hydra.x=1: no such key of Hydra's; leave it out",
    "++hydra.job.nmae=x": "++hydra.job.nmae=x: no such key of Hydra's; leave it out",
    "hydra.searchpath=[file:///nowhere]": "hydra.searchpath=[file:///nowhere]: is not taken; `--config-dir",
    "tracking.uri=sqlite:////no/where/x.db": "tracking.uri=sqlite:////no/where/x.db: no such folder: /no/where; make",
}


@pytest.mark.parametrize(("typed", "message"), [*FLAGS.items(), *IGNORED.items()])
def test_a_mistake_is_one_message_and_leaves_nothing_behind(forks: Forks, typed: str, message: str) -> None:
    before = left_behind(forks.project)
    ended = forks.run("data=digits", *typed.split())
    if message.startswith("/"):
        assert message in ended.stderr
        message = str(forks.project.root)
    require_one_message(ended, message)
    assert left_behind(forks.project) - before <= {forks.project.root / "outputs"}
    assert not forks.project.runs()


@pytest.mark.parametrize(
    "typed", ["retry=0 fail_fast=false plan=false max_jobs=1000", "+hydra.job.env_set.GREETING=hello"]
)
def test_a_line_that_changes_nothing_of_the_run_is_taken(forks: Forks, typed: str) -> None:
    ended = forks.run(*QUICK, *typed.split())
    assert (ended.status, ended.stderr) == (0, "")


@pytest.mark.parametrize("swept", [[], ["-m", "seed=1,2"]])
def test_resuming_offline_names_the_choice_that_hides_what_has_run(forks: Forks, swept: list[str]) -> None:
    ended = forks.run(*QUICK, *swept, "epochs=17", "resume=true", "tracking=offline")
    require_one_message(ended, "resume=true: tracking=offline asks no store, and only that knows what has run; leave")


def test_resuming_nothing_is_told(forks: Forks) -> None:
    ended = forks.run(*QUICK, "seed=4711", "resume=true")
    assert ended.status == 0
    assert ended.stdout.startswith("resume=true: the store has no run of this command to go on with")


def test_what_hydra_tells_of_itself_may_be_chosen_by_a_word_of_its_own(forks: Forks) -> None:
    ended = forks.run("data=digits", "--info", "seed=1")
    assert ended.status == 0, ended.stderr
    ended = forks.run("--info", "defaults", "data=digits")
    assert ended.status == 0
    assert "Defaults List" in ended.stdout


def test_a_sweep_is_one_wherever_m_stands(forks: Forks) -> None:
    for typed in (["-m", *QUICK], [*QUICK, "-m"], [*QUICK[:2], "-m", *QUICK[2:]]):
        ended = forks.run(*typed, "activation=relu,tanh", "plan=true")
        assert (ended.status, ended.stderr) == (0, "")
        assert "2 to run" in ended.stdout


@pytest.mark.parametrize("command", ["train", "compare", "reproduce", "sync", "watch"])
def test_the_version_is_ours(forks: Forks, command: str) -> None:
    ended = forks.run("--version", command=command)
    assert (ended.status, ended.stdout) == (0, "mlplab 0.1.0\n")


def test_a_key_that_is_given_twice_is_told(forks: Forks) -> None:
    ended = forks.run("-m", *QUICK, "seed=1,2", "seed=3,4", "plan=true")
    assert ended.status == 0
    assert ended.stderr == "WARNING: seed=1,2: is ignored, because seed=3,4 comes later\n"


def test_the_home_folder_may_be_typed_as_a_tilde(forks: Forks) -> None:
    ended = forks.run("--cfg", "job", "data.root=~/somewhere")
    assert "root: ~/somewhere" in ended.stdout


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("compare group_by=[activation,activation]", "group_by=[activation,activation]: takes each key once"),
        ("compare group_by=activation", "group_by=activation: takes a list, such as [ONE,TWO]"),
        ("compare --sweep=x", "--sweep=x: keys are no flags; write sweep=x"),
        ("compare swep=x", "swep=x: is no key=value of this command; did you mean sweep?"),
        ("compare runs=[", "runs=[: a bracket or a quotation mark is open"),
        ("watch tracking.uri=sqlite://", "tracking.uri=sqlite://: is a store in memory"),
        ("sync tracking.uri=sqlite://", "tracking.uri=sqlite://: is a store in memory"),
        ("reproduce --cfg job", "--cfg job: is a flag of train.py; this command takes key=value"),
    ],
)
def test_the_other_commands_refuse_in_the_same_way(forks: Forks, typed: str, message: str) -> None:
    if "activation" in typed:
        assert forks.run("-m", *QUICK, "activation=relu,tanh").status == 0
    command, *arguments = typed.split()
    require_one_message(forks.run(*arguments, command=command), message)


def test_reproducing_on_other_data_is_warned_of(forks: Forks) -> None:
    ended = forks.run("data=digits", "reports=pellattiero", "plan=true", command="reproduce")
    assert ended.status == 0
    assert ended.stderr == (
        "WARNING: data=digits: differs from what was published, and the verdicts compare with that\n"
    )


def test_data_that_is_not_there_leaves_no_folder(forks: Forks) -> None:
    root = forks.project.root / "nowhere"
    before = left_behind(forks.project)
    require_one_message(forks.run("data=mnist", f"data.root={root}"), f"data.root={root}: no such folder")
    assert left_behind(forks.project) == before


def test_a_damaged_archive_is_told_from_a_missing_one(forks: Forks) -> None:
    folder = forks.project.root / "mine" / "MNIST" / "raw"
    folder.mkdir(parents=True)
    whole = gzip.compress(os.urandom(1_000))
    (folder / "train-images-idx3-ubyte.gz").write_bytes(whole[:-100])
    before = left_behind(forks.project)
    ended = forks.run("data=mnist", f"data.root={folder.parents[1]}")
    require_one_message(ended, f"{folder}/train-images-idx3-ubyte.gz: is damaged")
    assert left_behind(forks.project) - before <= {folder.parents[1] / ".acquire.lock"}


def test_a_store_that_cannot_be_written_names_its_own_remedy(forks: Forks) -> None:
    before = left_behind(forks.project)
    ended = forks.run(*QUICK, f"tracking.uri=sqlite:///{forks.project.root}/conf")
    require_one_message(ended, f"tracking.uri=sqlite:///{forks.project.root}/conf: MLflow's store cannot be used")
    assert "Make the file and its folder readable and writable, or take another file" in ended.stderr
    assert left_behind(forks.project) == before


def test_a_penalty_that_is_too_large_is_blamed(forks: Forks) -> None:
    ended = forks.run(*QUICK, "weight_decay=1e300")
    assert "training diverged. Try a smaller penalty, such as weight_decay=1" in ended.stderr


def test_a_fault_that_all_members_share_is_said_once(forks: Forks) -> None:
    ended = forks.run("-m", *QUICK, "batch_size=100000", "seed=0,1,2,3,4,5")
    assert ended.status == 1
    assert (ended.stdout + ended.stderr).count("the training split has 1,437 rows") == 1
    assert "6 of 6 runs failed\n  seed=0, seed=1, seed=2, seed=3 and 2 more: batch_size=100000" in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_sweep_ends_with_its_table_in_every_encoding(forks: Forks, encoding: str) -> None:
    ended = forks.run("-m", *QUICK, "activation=relu,tanh", encoding=encoding)
    assert ended.status == 0, ended
    assert re.search(r"^\| best \| tanh", ended.stdout, re.MULTILINE)


def test_a_run_survives_a_notebook_and_any_name(forks: Forks) -> None:
    backend = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "TERM": "dumb", "HOME": None}
    assert forks.run(*QUICK, 'tracking.run_name="a $^$ b"', variables=backend).status == 0


@pytest.mark.parametrize("closed", [{"stdout": None}, {"stdout": "/dev/full"}, {"stdout": None, "stderr": None}])
def test_a_run_survives_an_output_that_cannot_be_written(forks: Forks, closed: dict[str, str | None]) -> None:
    ended = forks.run(*QUICK, **closed)
    assert (ended.status, ended.stderr) == (0, "")


def test_no_warning_shows_a_password(forks: Forks) -> None:
    ended = forks.run("data.root=http://me:secretword@127.0.0.1:9", "data.root=x", "--cfg", "job")
    assert ended.status == 0
    assert "WARNING: data.root=http://127.0.0.1:9: is ignored" in ended.stderr
    assert "secretword" not in ended.stderr


def test_a_line_shows_the_test_accuracy_once_and_where_it_was_measured(forks: Forks) -> None:
    ended = forks.run(*QUICK, "epochs=3", "log_every=40")  # 23 updates each
    lines = [line for line in ended.stdout.splitlines() if line.startswith("  epoch")]
    assert len(lines) == 3
    assert "test accuracy" not in lines[0]
    assert lines[1].partition("test accuracy ")[2].split("  ")[0].endswith("(at 40)")
    assert "test accuracy" not in lines[2]


def test_many_epochs_do_not_flood_a_pipe(forks: Forks) -> None:
    ended = forks.run(*QUICK, "epochs=300", "log_every=10000", "diagnostics=false")
    lines = [line for line in ended.stdout.splitlines() if line.startswith("  epoch")]
    assert 2 <= len(lines) < 20
    assert lines[-1].startswith("  epoch 300/300")

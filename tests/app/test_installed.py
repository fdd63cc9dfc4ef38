"""``pip install mlplab``: the built wheel in an environment of its own, away from the checkout."""

import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy
import pytest
from mlflow import MlflowClient

from conftest import PROJECT
from mlplab.app.installed_command import COMMANDS

pytestmark = pytest.mark.slow

QUICK = ("data=digits", "hidden_sizes=[8]", "epochs=2", "log_every=10", "learning_rate=0.1")
PRESET = """# @package _global_
defaults:
  - override /data: small
hidden_sizes: [8]
epochs: 1
log_every: 2
hydra:
  sweeper:
    params:
      activation: relu,tanh
"""


@dataclass
class Installed:
    """The installed command, typed in a folder."""

    command: Path
    home: Path

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        environment = {
            "PATH": f"{self.command.parent}:/usr/bin:/bin",
            "HOME": str(Path.home()),
            "OMP_NUM_THREADS": "1",
        }
        return subprocess.Popen(
            [self.command, *arguments],
            cwd=self.home,
            env={**environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, status: int = 0, **variables: str) -> str:
        """Return what the command prints: on standard error, where it is to fail."""
        process = self.start(*arguments, **variables)
        stdout, stderr = process.communicate(timeout=200)
        assert process.returncode == status, stderr
        assert not (stdout if status else stderr)
        return stderr if status else stdout

    def states(self) -> list[str]:
        """The states of the training runs in the current folder's store."""
        client = MlflowClient(f"sqlite:///{self.home / 'mlflow.db'}")
        found = client.search_runs([client.get_experiment_by_name("mlplab").experiment_id])
        return [run.info.status for run in found if "sweep.command" not in run.data.tags]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for folder in ("src", "conf"):
        shutil.copytree(PROJECT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for file in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md"):
        shutil.copy(PROJECT / file, source)
    pip("wheel", "--no-build-isolation", "--wheel-dir", str(built), str(source))
    (file,) = built.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of an environment that shares the libraries of this one, and nothing else."""
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    pip("--python", str(environment / "bin" / "python"), "install", "--ignore-installed", str(wheel))
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "shared.pth").write_text(str(Path(numpy.__file__).parents[1]))
    return environment / "bin" / "mlplab"


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments, "--no-deps", "--quiet"]
    subprocess.run(command, check=True)


@pytest.fixture
def installed(command: Path, tmp_path: Path, empty_store: Path) -> Installed:
    shutil.copy(empty_store, tmp_path)
    return Installed(command, tmp_path)


def test_the_wheel_has_every_file_of_the_code_and_of_conf_and_no_script(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    ours = [path for path in (PROJECT / "src").rglob("*") if path.is_file() and path.parent != PROJECT / "src"]
    code = {path.relative_to(PROJECT / "src").as_posix() for path in ours}
    conf = {f"mlplab/{path.relative_to(PROJECT).as_posix()}" for path in (PROJECT / "conf").rglob("*.yaml")}
    assert names == {name for name in code if "__pycache__" not in name and "egg-info" not in name} | conf


def test_runs_lie_in_the_current_folder(installed: Installed) -> None:
    printed = installed.run("train", *QUICK)
    assert "served by      mlplab ui" in printed
    assert installed.states() == ["FINISHED"]
    assert {path.name for path in installed.home.iterdir()} >= {"mlflow.db", "mlruns", "outputs"}


def test_a_preset_in_conf_sweeps_in_parallel_and_is_compared(installed: Installed) -> None:
    own = installed.home / "conf"
    for path, text in {
        "experiment/mine.yaml": PRESET,
        "data/small.yaml": "name: digits\ntrain_size: 500\n",
        "data/digits.yaml": "name: digits\ntrain_size: 300\n",  # wins over the packaged one
    }.items():
        (own / path).parent.mkdir(parents=True, exist_ok=True)
        (own / path).write_text(text)
    swept = installed.run("train", "experiment=mine", "hydra/launcher=joblib")
    (verdict,) = (line for line in swept.splitlines() if " leads " in line)
    assert verdict in installed.run("compare")
    help_text = installed.run("train", "--help")
    assert re.search(r"^ *data= [^=]*\bsmall\b", help_text, re.M)
    assert re.search(r"^ *experiment= mine$", help_text, re.M)
    assert "mlplab train data=digits" in help_text
    assert "train_size: 300" in installed.run("train", "data=digits", "--cfg", "job")
    assert "choose from assignment/adam" in (wrong := installed.run("train", "experiment=mien", status=1))
    assert ", mine, " in wrong


def test_an_interrupted_run_is_resumed_as_its_last_line_says(installed: Installed) -> None:
    long = ("train", "data=digits", "hidden_sizes=[8]", "epochs=20000", "log_every=10")
    process = installed.start(*long)
    while not list(installed.home.glob("outputs/*/*/checkpoint.npz")):
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert stdout.splitlines()[-1].strip() == f"mlplab {' '.join(long)} resume=true".replace(
        "hidden_sizes=[8]", "'hidden_sizes=[8]'"
    )
    assert installed.states() == ["KILLED"]
    process = installed.start(*long, "resume=true")
    assert process.stdout is not None
    assert "resumed after" in process.stdout.readline()
    process.kill()
    process.communicate()


def test_mlplab_home_holds_everything(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = Installed(installed.command, tmp_path_factory.mktemp("elsewhere"))
    before = set(elsewhere.home.iterdir())
    elsewhere.run("train", *QUICK, MLPLAB_HOME=str(installed.home))
    assert set(elsewhere.home.iterdir()) == before
    assert installed.states() == ["FINISHED"]
    nowhere = elsewhere.home / "nowhere"
    assert (
        elsewhere.run("train", MLPLAB_HOME=str(nowhere), status=1)
        == f"ERROR: MLPLAB_HOME={nowhere}: no such folder; make it, or name another\n"
    )


def test_a_foreign_train_yaml_is_refused(installed: Installed) -> None:
    (installed.home / "conf").mkdir()
    (installed.home / "conf" / "train.yaml").write_text("model: resnet50\n")
    assert "would replace every key's default" in installed.run("train", status=1)


def test_published_results_are_found(installed: Installed) -> None:
    printed = installed.run("reproduce", "reports=pellattiero", "seeds=1", "plan=true")
    assert "pellattiero/tuned" in printed


def test_help_lists_the_commands(installed: Installed) -> None:
    printed = installed.run("--help")
    assert printed == installed.run()
    for name in COMMANDS:
        assert f"mlplab {name} " in printed
    assert installed.run("--version").startswith("mlplab ")


def test_a_mistyped_command_is_one_message(installed: Installed) -> None:
    assert (
        installed.run("trian", status=1)
        == "ERROR: mlplab trian: no such command; did you mean mlplab train? there are "
        f"{', '.join(COMMANDS)}; see `mlplab --help`\n"
    )


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"train"}))
def test_the_help_of_a_command_names_the_installed_one(installed: Installed, name: str) -> None:
    printed = installed.run(name, "--help")
    assert f"mlplab {name}" in printed
    assert "python src" not in printed
    assert "make" not in printed.split("\n\n")[1]

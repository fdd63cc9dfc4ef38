"""Fixtures of the tests: configs composed from the real conf/, real data, and the real commands."""

import os

# Two test workers on two cores: more threads would only wait for each other. NumPy reads this on import.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import atexit
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hydra import compose, initialize_config_dir

from mlplab import environment

environment.prepare_command()  # MLflow reads the variables on import
environment.imports_are_done()

from axe_playwright_python.sync_playwright import Axe
from mlflow import MlflowClient
from mlflow.entities import Run
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from mlplab.app import composition
from mlplab.config import TrainConfig
from mlplab.data import Dataset, Scaling, Split
from mlplab.schema import COMMAND_TAG

if TYPE_CHECKING:
    from forks import Forks

PROJECT = Path(__file__).resolve().parents[1]
READ_ON_IMPORT = ("OMP_", "OPENBLAS_", "MLFLOW_", "PYTHON", "HYDRA_", "LC_", "LANG")
WIDTHS = [390, 560, 800, 1400]  # of a phone, of MLflow's frame with its assistant open, of that frame, of a screen
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]


@pytest.fixture(scope="session")
def settings() -> Callable[..., TrainConfig]:
    """A function that composes a config from conf/ with overrides, as the command line does."""
    composition.register()

    def build(*overrides: str) -> TrainConfig:
        with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
            return composition.read_config(compose("train", overrides=list(overrides)))

    return build


@pytest.fixture(scope="session")
def small_dataset() -> Dataset:
    """300 rows to train on and 70 to test on, of 20 inputs and 5 classes, in float64."""
    rng = np.random.default_rng(7)

    def split(rows: int) -> Split:
        return Split(rng.normal(size=(rows, 20)), rng.integers(0, 5, rows))

    return Dataset("small", "digest", ("local", {}), Scaling(1.0), 5, split(300), split(70), None)


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    """The folder that holds real MNIST."""
    root = Path(os.environ.get("MLPLAB_DATA_ROOT", PROJECT / "data"))
    if not (root / "MNIST" / "raw" / "train-images-idx3-ubyte").exists():
        pytest.skip("real MNIST is not on this machine; set MLPLAB_DATA_ROOT to its folder")
    return root


@dataclass
class Project:
    """A copy of the project in a folder of its own, where its commands run as for a user."""

    root: Path
    database: str = "mlflow.db"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "src/train.py", *arguments]

    def environment(self, **variables: str) -> dict[str, str]:
        own = {"MLFLOW_TRACKING_URI": ""}
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW", "MLPLAB", "PYTEST"))}
        environment = {**kept, **own, **variables}
        return {key: value for key, value in environment.items() if value}

    def train(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.run("train", *arguments, **variables)

    def run(self, command: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end: a fork of a process that has imported everything, which takes half the time."""
        environment, words = self.environment(**variables), [sys.executable, f"src/{command}.py", *arguments]
        if any(name.startswith(READ_ON_IMPORT) for name in variables):
            return subprocess.run(words, cwd=self.root, env=environment, capture_output=True, text=True, timeout=200)
        ended = _forks().run(*arguments, command=command, environment=environment, folder=str(self.root), seconds=200)
        return subprocess.CompletedProcess(words, ended.status, ended.stdout, ended.stderr)

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.root,
            env=self.environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that a signal to its whole group does not reach the tests
        )

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.root / self.database}"

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.uri)

    def runs(self) -> list[Run]:
        """Every training run in the store, oldest first."""
        return [run for run in self._recorded() if COMMAND_TAG not in run.data.tags]

    def sweeps(self) -> list[Run]:
        """Every sweep's own run, oldest first."""
        return [run for run in self._recorded() if COMMAND_TAG in run.data.tags]

    def _recorded(self) -> list[Run]:
        if not (self.root / self.database).exists():
            return []
        experiment = self.client.get_experiment_by_name("mlplab")
        if experiment is None:
            return []
        return sorted(self.client.search_runs([experiment.experiment_id]), key=lambda run: run.info.start_time)

    def points(self, run: Run, key: str) -> list[tuple[int, float]]:
        return sorted((m.step, m.value) for m in self.client.get_metric_history(run.info.run_id, key))


@cache
def _forks() -> "Forks":
    """Return what runs commands as forks of one process, in whichever copy of the project."""
    from forks import Forks

    root = Path(tempfile.mkdtemp(prefix="mlplab-zygote-")).resolve()
    forks = Forks(copy_project(root / "project"))
    atexit.register(shutil.rmtree, root)
    atexit.register(forks.close)
    return forks


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite store without runs. MLflow needs seconds to create one, so most tests start with a copy."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments(max_results=1)
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Project:
    """A fresh copy of the project with an empty store, shared by the tests of one file."""
    root = tmp_path_factory.mktemp("project")
    shutil.copy(empty_store, root)
    return copy_project(root)


@pytest.fixture
def fresh_project(tmp_path: Path, empty_store: Path) -> Project:
    """A fresh copy of the project with an empty store, for one test."""
    shutil.copy(empty_store, tmp_path)
    return copy_project(tmp_path)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def await_health(address: str) -> None:
    """Wait until MLflow's server answers."""
    for _ in range(1_500):
        try:
            urllib.request.urlopen(f"{address}/health", timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(address)


def copy_project(root: Path) -> Project:
    for folder in ("src", "conf"):
        shutil.copytree(PROJECT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    return Project(root)


@contextmanager
def mounted_disk(folder: Path, size: str) -> Iterator[Path]:
    """A small disk on a new folder; the test is skipped where it cannot be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("this machine has no mount")
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        assert "CI" not in os.environ, "continuous integration must test the page: install Chromium"
        pytest.skip("no browser is on this machine: install Chromium to test the page")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_FLAGS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, address: str, *its_own_errors: str) -> Iterator[Page]:
    """A page that may not reach any other machine; at the end it must have reported no error."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.route(re.compile(r"^https?://(?!127\.0\.0\.1)"), lambda route: route.abort())
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        where = f"{message.text} {message.location}"
        if message.type == "error" and not any(known in where for known in its_own_errors):
            errors.append(where)

    page.on("console", note)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(dialog.message))
    page.goto(address)
    yield page
    page.close()
    assert not errors


def serious_findings(page: Page) -> list[str]:
    """What axe-core finds serious or critical on a page: at every width, in light and dark."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            for finding in Axe().run(page).response["violations"]:
                if finding["impact"] in ("serious", "critical"):
                    found.append(f"{scheme}, {width}: {finding['help']}: {finding['nodes'][0]['html']}")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1200, "height": 900})
    return found

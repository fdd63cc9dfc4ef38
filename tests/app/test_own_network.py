"""Anybody's network runs alone, in sweeps, in every launcher's workers, from another folder, and goes on exactly."""

import signal
import subprocess
import time
import urllib.parse
from pathlib import Path

import pytest
from mlflow.entities import Run

from conftest import Project

FAST = ["engine=torch", "data=digits", "optimizer=adam", "learning_rate=0.01", "log_every=10", "epochs=1"]
CODE = """
import time
from torch import nn

class MyNet(nn.Module):
    def __init__(self, classes, image_shape, width, dropout=0.2, seconds=0.0, options=None):
        super().__init__()
        channels, height, columns = image_shape
        self.seconds = seconds
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.Flatten(),
            nn.Dropout(dropout), nn.Linear(width * height * columns, classes),
        )

    def forward(self, x):
        time.sleep(self.seconds)
        return self.layers(x)
"""


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The config folder of a network in a folder of its own, beside its code."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "net_elsewhere.py").write_text(CODE)
    (folder / "conf" / "network").mkdir(parents=True)
    (folder / "conf" / "network" / "my_net.yaml").write_text("_target_: net_elsewhere.MyNet\nwidth: 4\n")
    return folder / "conf"


def typed(conf: Path, *more: str) -> list[str]:
    return ["--config-dir", str(conf), *FAST, "network=my_net", *more]


def measured(project: Project, run: Run) -> dict[str, object]:
    final = {key: value for key, value in run.data.metrics.items() if key.startswith("final/")}
    return {**final, "points": project.points(run, "train/loss"), "test": project.points(run, "test/loss")}


def test_a_run_records_class_and_arguments_and_nothing_of_the_mlp(fresh_project: Project, elsewhere: Path) -> None:
    done = fresh_project.train(*typed(elsewhere, "network.options={a: [1, 'it\\'s'], b: null}"))
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    (run,) = fresh_project.runs()
    assert run.info.run_name == "MyNet adam lr=0.01"
    assert {key: value for key, value in run.data.params.items() if key.startswith("network")} == {
        "network._target_": "net_elsewhere.MyNet", "network.width": "4",
        "network.options": "{'a': [1, \"it's\"], 'b': None}",
    }  # fmt: skip
    assert not run.data.params.keys() & {"hidden_sizes", "activation", "init", "init_scale"}
    inside = {key for key in run.data.metrics if key.startswith("within/")}
    assert inside == {f"within/layer_{n}_{what}" for n in (1, 2) for what in ("gradient_norm", "update_ratio")}
    assert len(run.outputs.model_outputs) == 1


@pytest.mark.slow
def test_a_sweep_over_networks_compares_them(fresh_project: Project, elsewhere: Path) -> None:
    done = fresh_project.train("-m", "--config-dir", str(elsewhere), *FAST, "network=mlp,cnn")
    assert done.returncode == 0, done.stderr
    runs = {str(run.info.run_name): run for run in fresh_project.runs()}
    assert {name: run.data.params["network._target_"] for name, run in runs.items()} == {
        "mlp": "mlp", "cnn": "mlplab.engines.cnn.CNN",
    }  # fmt: skip
    assert "within/layer_1_saturated" in runs["mlp"].data.metrics
    assert "│ CNN " in done.stdout
    (own,) = fresh_project.sweeps()
    page = Path(urllib.parse.urlparse(own.info.artifact_uri).path, "comparison.html").read_text()
    assert "CNN" in page
    assert "early-gradient_norm" in page


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local", "ray"])
def test_a_network_is_swept_in_every_launchers_workers(fresh_project: Project, elsewhere: Path, launcher: str) -> None:
    """With an argument of lists and dictionaries: the frozen jobs give it back."""
    pytest.importorskip({"submitit_local": "submitit", "ray": "ray"}.get(launcher, "joblib"))
    more = ["network.width=2,3", "network.options={a: [1, 'é \"x\"'], b: {}}", f"hydra/launcher={launcher}"]
    done = fresh_project.train("-m", *typed(elsewhere, *more))
    assert done.returncode == 0, done.stderr
    runs = fresh_project.runs()
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert {str(run.info.run_name) for run in runs} == {"network.width=2", "network.width=3"}
    assert {run.data.params["network.options"] for run in runs} == {"{'a': [1, 'é \"x\"'], 'b': {}}"}
    assert "network.width" in done.stdout


@pytest.mark.slow
def test_code_in_pythonpath_reaches_the_workers(fresh_project: Project, elsewhere: Path, tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    code = tmp_path / "code"
    code.mkdir()
    (elsewhere.parent / "net_elsewhere.py").rename(code / "net_elsewhere.py")
    more = ["-m", *typed(elsewhere, "network.width=2,3", "hydra/launcher=submitit_local")]
    done = fresh_project.train(*more, PYTHONPATH=str(code))
    assert done.returncode == 0, done.stderr
    assert len(fresh_project.runs()) == 2


@pytest.mark.slow
def test_an_interrupted_run_goes_on_as_if_nothing_had_been_bit_by_bit(fresh_project: Project, elsewhere: Path) -> None:
    """With batch norm and dropout: their state is in the checkpoint."""
    command = typed(elsewhere, "network.seconds=0.01", "epochs=12")
    assert fresh_project.train(*command).returncode == 0
    (undisturbed,) = fresh_project.runs()
    process = fresh_project.start(*command)
    interrupt_when_it_trains(fresh_project, process)
    done = fresh_project.train(*command, "resume=true")
    assert done.returncode == 0, done.stderr
    (resumed,) = [run for run in fresh_project.runs() if run.info.run_id != undisturbed.info.run_id]
    assert resumed.info.status == "FINISHED"
    assert measured(fresh_project, resumed) == measured(fresh_project, undisturbed)


def interrupt_when_it_trains(project: Project, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 100
    while True:
        running = [run for run in project.runs() if run.info.status == "RUNNING" and "train/loss" in run.data.metrics]
        if running:
            break
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


@pytest.mark.slow
def test_a_run_of_edited_code_is_another(fresh_project: Project, elsewhere: Path) -> None:
    assert fresh_project.train(*typed(elsewhere)).returncode == 0
    again = fresh_project.train(*typed(elsewhere, "resume=true"))
    assert "has finished already" in again.stdout
    (elsewhere.parent / "net_elsewhere.py").write_text(CODE.replace("nn.ReLU()", "nn.Tanh()"))
    assert fresh_project.train(*typed(elsewhere, "resume=true")).returncode == 0
    assert len({run.data.tags["fingerprint"] for run in fresh_project.runs()}) == 2


FAULTS = {
    "network=my_nett": "network=my_nett: no such choice; choose from cnn, mlp, my_net",
    "network=null": "network=null: takes a choice; `--help` lists them",
    "engine=numpy": "network._target_=net_elsewhere.MyNet: engine=numpy computes network=mlp only; take engine=torch",
    "network.widht=3": "network.widht=3: net_elsewhere.MyNet takes no such argument; it takes width, dropout, seconds",
    "~network.width": "network.width: net_elsewhere.MyNet needs it; write network.width=VALUE",
    "network.classes=3": "network.classes=3: is given by the data; leave it out",
    "network._target_=net_elsewhere.No": "network._target_=net_elsewhere.No: cannot be imported (AttributeError: ",
    "network._target_=no.No": "(ModuleNotFoundError: No module named 'no'); its file must lie beside",
    "network._target_=MyNet": "network._target_=MyNet: takes the path of a class, such as my_net.MyNet, or mlp",
    "network._target_=math.pi": "network._target_=math.pi: is no class and no function that makes a torch.nn.Module",
    "network.width=abc": "cannot be made for 10 classes and images of shape (1, 8, 8) (TypeError: ",
    "network=mlp network.width=3": "network.width: network=mlp has no such key; it takes hidden_sizes, activation",
    "network.width=1000000000000": "network._target_=net_elsewhere.MyNet: ",
    "-m network.width=2,abc network.widht=3": "network.widht=3: net_elsewhere.MyNet takes no such argument",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_one_message_and_nothing_runs(project: Project, elsewhere: Path, fault: str) -> None:
    given = typed(elsewhere)
    for word in fault.split():
        given = [one for one in given if one.partition("=")[0] != word.partition("=")[0] or "_target_" in word]
    done = project.train(*given, *fault.split())
    assert done.returncode == 1, done.stderr
    lines = [line for line in done.stderr.splitlines() if line]
    assert len(lines) == 1, done.stderr
    assert FAULTS[fault] in lines[0]
    assert "Traceback" not in done.stdout + done.stderr
    assert not project.runs()
    assert not (project.root / "outputs").exists()


def test_what_has_no_effect_on_the_network_is_warned_of_once(fresh_project: Project, elsewhere: Path) -> None:
    done = fresh_project.train("-m", *typed(elsewhere, "activation=relu", "network.width=2,3", "plan=true"))
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == ["WARNING: activation=relu: has no effect on network=MyNet"]

"""``import mlplab``: the commands as functions, in real processes that belong to somebody else."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from conftest import PROJECT
from mlplab.paths import choices_of

QUICK = 'data="digits", hidden_sizes=[8], learning_rate=0.1, log_every=10'
STATE = """
import gc, logging, os, signal, sys, threading
logging.basicConfig(filename="own.log", filemode="w", level=logging.INFO)
gc.disable()  # somebody's own choice
ON_IMPORT = ("KMP_", "_MLFLOW_")  # set by scikit-learn, PyTorch and MLflow, whoever imports them
def state():
    loggers = {name: logging.getLogger(name) for name in sorted(logging.root.manager.loggerDict)}
    return {
        "variables": {name: value for name, value in os.environ.items() if not name.startswith(ON_IMPORT)},
        "arguments": list(sys.argv), "folder": os.getcwd(), "garbage": gc.isenabled(),
        "handlers": [str(signal.getsignal(number)) for number in sorted(signal.valid_signals() - {9, 19})],
        "hooks": [str(sys.excepthook), str(sys.unraisablehook), str(threading.excepthook)],
        "levels": {name: logger.level for name, logger in loggers.items()},
        "logs": {name: [str(logger.handlers), logger.propagate, logger.disabled] for name, logger in loggers.items()},
        "root": [logging.root.level, str(logging.root.handlers)],
    }
def changed(before, names):
    after = state()
    for name in ("levels", "logs"):  # a library that is imported in between has loggers of its own
        after[name] = {logger: after[name].get(logger) for logger in before[name]}
    return {name: (before[name], after[name]) for name in names if before[name] != after[name]}
OWN = ("variables", "arguments", "folder", "garbage", "handlers", "hooks", "root")
"""


@dataclass
class Home:
    """A folder for runs, and Python there."""

    folder: Path

    def run(self, code: str) -> dict[str, Any]:
        """Run the code in a process of its own; return what it puts into ``found``, and what it ``printed``."""
        script = self.folder / "script.py"
        body = textwrap.indent(textwrap.dedent(code), "    ")
        script.write_text(
            f'import json\nfrom pathlib import Path\nif __name__ == "__main__":\n    found = {{}}\n{body}\n'
            '    Path("found.json").write_text(json.dumps(found))\n'
        )
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW", "MLPLAB", "PYTEST"))}
        done = subprocess.run(
            [sys.executable, "-W", "error::ResourceWarning", script],
            cwd=self.folder,
            env={**kept, "MLPLAB_HOME": str(self.folder), "PYTHONPATH": str(PROJECT / "src")},
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads((self.folder / "found.json").read_text())
        return {**found, "printed": done.stdout, "errors": done.stderr}

    def states(self) -> list[str]:
        """States of all training runs, oldest first."""
        client = MlflowClient(f"sqlite:///{self.folder / 'mlflow.db'}")
        runs = client.search_runs([client.get_experiment_by_name("mlplab").experiment_id], order_by=["start_time"])
        return [run.info.status for run in runs if "sweep.command" not in run.data.tags]


@pytest.fixture
def home(tmp_path: Path, empty_store: Path) -> Home:
    shutil.copy(empty_store, tmp_path)
    return Home(tmp_path)


def test_importing_is_cheap(home: Home) -> None:
    found = home.run("""
        import sys
        import mlplab
        found["offered"] = [name for name in dir(mlplab) if not name.startswith("_")]
        found["imported"] = [name for name in ("numpy", "hydra", "mlflow", "torch", "pandas") if name in sys.modules]
    """)
    assert {"train", "sweep"} <= set(found["offered"])
    assert found["imported"] == []


NET = """
from sklearn.datasets import load_digits
from torch import nn
digits = load_digits()
x, y = (digits.images * 15).astype("uint8"), digits.target
class Net(nn.Module):
    def __init__(self, classes=10, width=4):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, classes))
    def forward(self, x):
        return self.layers(x)
"""


@pytest.mark.slow
def test_a_module_at_hand_is_trained_as_a_copy_and_known_again(home: Home) -> None:
    found = home.run(f"""
        {textwrap.indent(NET, "        ").strip()}
        import torch, mlplab
        torch.manual_seed(0)
        module = Net(width=16)
        before = {{name: tensor.clone() for name, tensor in module.state_dict().items()}}
        call = dict(data=(x, y), network=module, learning_rate=0.3, epochs=8, log_every=10)
        run = mlplab.train(**call)
        found["accuracy"] = run.metrics["final/test_accuracy"]
        found["untouched"] = all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
        found["predicted"] = float((run.model().predict(x[:300]) == y[:300]).mean())
        found["ids"] = [run.run_id, mlplab.train(**call, resume=True).run_id, mlplab.train(**call, seed=1).run_id]
        with torch.no_grad():
            module.layers[1].weight.mul_(0.5)
        found["ids"].append(mlplab.train(**call, resume=True).run_id)
    """)
    assert found["accuracy"] > 0.3
    assert found["untouched"]
    assert abs(found["predicted"] - found["accuracy"]) < 0.2
    first, known, other_seed, other_weights = found["ids"]
    assert known == first
    assert len({first, other_seed, other_weights}) == 3


@pytest.mark.slow
def test_a_class_at_hand_is_swept_over_its_arguments(home: Home) -> None:
    found = home.run(f"""
        {textwrap.indent(NET, "        ").strip()}
        import mlplab
        common = dict(data=(x, y), engine="torch", learning_rate=0.1, epochs=1, log_every=10)
        swept = mlplab.sweep(network={{"_target_": Net, "width": [4, 8]}}, **common)
        found["widths"] = sorted(swept.table()["network.width"].astype(int))
        def local():
            class Local(Net):
                pass
            return Local
        found["refused"] = []
        for network in (local(), 3):
            try:
                mlplab.train(network=network)
            except mlplab.errors.ConfigError as error:
                found["refused"].append(str(error))
    """)
    assert found["widths"] == [4, 8]
    inner, number = found["refused"]
    assert "is defined inside of a function; define it outside" in inner
    assert number == "network: takes a name, keys, a class or a torch.nn.Module, and is a int"


@pytest.mark.slow
def test_calls_leave_the_process_as_it_was(home: Home, tmp_path: Path) -> None:
    """From its first call on: a fresh store is created, everything is imported."""
    (tmp_path / "mlflow.db").unlink()
    found = home.run(f"""
        {textwrap.indent(STATE, "        ").strip()}
        import mlplab, webbrowser
        webbrowser.open = print  # no browser for a test
        os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///mlflow.db"
        before = state()
        run = mlplab.train({QUICK}, epochs=2)
        found["first"] = changed(before, OWN)
        before = state()
        run = mlplab.train({QUICK}, epochs=2, seed=1)
        run.model()
        sweep = mlplab.sweep({QUICK}, epochs=[1, 2])
        sweep.table(), sweep.best, sweep.page("page.html"), repr(sweep)
        for wrong in (dict(lerning_rate=1), dict(learning_rate=-1), dict(learning_rate="(")):
            try:
                mlplab.train(**wrong)
            except mlplab.errors.ConfigError:
                pass
        found["later"] = changed(before, [*OWN, "levels", "logs"])
        logging.getLogger("mine").info("still written")
        logging.getLogger("mlplab").info("not held back any more")
    """)
    assert found["first"] == {}
    assert found["later"] == {}
    log = (tmp_path / "own.log").read_text()
    assert "still written" in log
    assert "not held back any more" in log
    assert "epoch" not in log
    assert home.states() == ["FINISHED"] * 4
    assert (tmp_path / "page.html").stat().st_size > 1_000_000


def test_a_run_has_its_results_its_settings_and_its_model(home: Home) -> None:
    found = home.run(f"""
        import mlplab
        from mlplab.errors import StoreError
        from sklearn.datasets import load_digits
        run = mlplab.train({QUICK}, epochs=30, activation="relu", seed=3, **{{"data.val_size": 200}})
        found["metrics"], found["id"] = run.metrics, run.run_id
        found["text"], found["html"] = repr(run), run._repr_html_()
        found["settings"] = [run.settings.activation, run.settings.data.val_size, run.settings.seed]
        digits = load_digits()
        found["accuracy"] = float((run.model().predict(digits.data.astype("uint8")) == digits.target).mean())
        for file in Path().rglob("requirements.txt"):
            file.write_text(file.read_text() + "# changed by somebody else")
        try:
            run.model()
        except StoreError as error:
            found["refused"] = str(error)
    """)
    assert "the files of its model are not those that it saved" in found["refused"]
    assert found["settings"] == ["relu", 200, 3]
    assert found["metrics"]["final/val_accuracy"] > 0.7
    assert found["accuracy"] == pytest.approx(found["metrics"]["final/train_accuracy"], abs=0.05)
    assert found["id"] in found["text"]
    assert found["id"] in found["html"]
    assert found["id"] in found["printed"]
    (log,) = home.folder.glob("outputs/*/*/train.log")
    assert "epoch 30/30" in log.read_text()


@pytest.mark.slow
def test_a_sweep_is_a_table_with_a_best_run(home: Home) -> None:
    found = home.run("""
        import mlplab
        sweep = mlplab.sweep(
            data="digits", hidden_sizes=[[8], [4]], activation=["relu", "tanh"], seed=range(2), epochs=2, log_every=10
        )
        table = sweep.table()
        found["columns"], found["rows"] = list(table.columns), table.to_dict("records")
        found["best"], found["settings"] = sweep.best.run_id, str(sweep.best.settings.activation)
        found["html"], found["text"] = sweep._repr_html_(), repr(sweep)
    """)
    assert found["columns"][:4] == ["hidden_sizes", "activation", "seed", "test_accuracy"]
    assert found["columns"][-3:] == ["seconds", "status", "run_id"]
    assert len(found["rows"]) == 8
    accuracies = [row["test_accuracy"] for row in found["rows"]]
    assert accuracies == sorted(accuracies, reverse=True)
    (best,) = (row for row in found["rows"] if row["run_id"] == found["best"])
    assert best["activation"] == found["settings"]
    for shown in (found["html"], found["text"]):
        assert "95 % Wilson interval, 360 images" in shown
    assert found["html"].count("<tr") == 9


@pytest.mark.slow
def test_a_sweep_that_could_not_be_compared_is_compared_by_sync(home: Home) -> None:
    found = home.run(f"""
        import mlplab
        from mlplab.sweeps import execution
        stored_members = execution.record.stored_members
        def gone(*_):
            raise FileNotFoundError("gone")
        execution.record.stored_members = gone
        sweep = mlplab.sweep(activation=["relu", "tanh"], epochs=1, {QUICK})
        execution.record.stored_members = stored_members
        from mlplab.store.store import find_store
        def artifacts():
            store = find_store(None, "mlplab")
            (own,) = store.search("tags.`sweep.id` != ''")
            return sorted(item.path for item in store.client.list_artifacts(own.info.run_id))
        found["before"] = artifacts()
        import subprocess, sys
        done = subprocess.run([sys.executable, {str(PROJECT / "src" / "sync.py")!r}], capture_output=True, text=True)
        found["said"], found["after"] = done.stderr, artifacts()
    """)
    assert "could not be compared (gone); `python src/sync.py` compares them" in found["errors"]
    assert found["before"] == ["manifest.json", "result.json"]
    assert found["after"] == ["comparison.html", "manifest.json", "result.json"], found["said"]


@pytest.mark.slow
def test_two_sweeps_with_joblib_run_in_one_process(home: Home) -> None:
    """Workers of the first that lived on would take the second's runs for those of a command that is gone."""
    home.run(f"""
        import mlplab
        for size in (4, 8):
            mlplab.sweep({QUICK.replace("[8]", "[[size], [6]]")}, epochs=1, launcher="joblib", n_jobs=2)
    """)
    assert home.states() == ["FINISHED"] * 4


@pytest.mark.slow
def test_ctrl_c_leaves_a_killed_run_that_resumes_to_the_same_result(home: Home) -> None:
    found = home.run(f"""
        import os, signal, threading, time
        from pathlib import Path
        import mlplab

        def interrupt():
            while not list(Path("outputs").glob("*/*/checkpoint.npz")):
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)

        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
        keys = dict({QUICK}, epochs=1000)
        threading.Thread(target=interrupt).start()
        try:
            mlplab.train(**keys)
        except KeyboardInterrupt:
            found["interrupted"] = True
        resumed = mlplab.train(**keys, resume=True)
        undisturbed = mlplab.train(**keys)
        found["results"] = [
            {{key: value for key, value in run.metrics.items() if key.startswith("final/")}}
            for run in (resumed, undisturbed)
        ]
    """)
    assert found["interrupted"]
    assert "the same call with resume=True goes on" in found["printed"]
    assert "resumed after" in found["printed"]
    resumed, undisturbed = found["results"]
    assert resumed == undisturbed
    assert home.states() == ["FINISHED", "FINISHED"]


@pytest.mark.slow
def test_a_sweep_that_fails_raises_and_the_process_goes_on(home: Home) -> None:
    found = home.run(f"""
        import mlplab
        try:
            mlplab.sweep({QUICK.replace("0.1", "[0.1, 1e30]")}, epochs=1, activation="linear")
        except mlplab.errors.SweepError as error:
            found["error"] = str(error)
        found["after"] = mlplab.train({QUICK}, epochs=1).run_id
    """)
    assert "1 of 2 runs failed" in found["error"]
    assert found["after"]
    assert sorted(home.states()) == ["FAILED", "FINISHED", "FINISHED"]


@pytest.mark.slow
def test_it_trains_in_a_thread_that_no_signal_reaches(home: Home) -> None:
    found = home.run(f"""
        import threading
        import mlplab
        thread = threading.Thread(target=lambda: found.update(id=mlplab.train({QUICK}, epochs=1).run_id))
        thread.start(), thread.join()
    """)
    assert found["id"]


MISTAKES = {
    "lerning_rate=1": "lerning_rate: no such key; did you mean learning_rate?",
    'data="nope"': "data=nope: no such choice; choose from auto",
    'experiment="erande_2025/activation"': "experiment=erande_2025/activation: sweeps; call mlplab.sweep()",
    "retry=2": "retry=2: says how to carry out a sweep",
    'tracking={"uri": "http://anna:secret@127.0.0.1:1", "experiment": ""}': "tracking.experiment",
}


def test_a_mistake_is_a_config_error(home: Home) -> None:
    found = home.run(f"""
        import mlplab
        for typed in {list(MISTAKES)!r}:
            try:
                eval(f"mlplab.train({{typed}})")
            except mlplab.errors.ConfigError as error:
                found[typed] = str(error)
    """)
    for typed, message in MISTAKES.items():
        assert message in found[typed]
    assert not found["printed"]
    assert not (home.folder / "outputs").exists()


@pytest.mark.slow
@pytest.mark.skipif("npz" not in choices_of("data"), reason="conf/data/npz.yaml is not there")
def test_arrays_at_hand_are_trained_on(home: Home) -> None:
    found = home.run("""
        import mlplab
        from sklearn.datasets import load_digits
        x, y = load_digits(return_X_y=True)
        x = x / 16
        keys = dict(hidden_sizes=[16], epochs=30, log_every=10, learning_rate=0.1, activation="relu")
        runs = [mlplab.train(data=data, **keys) for data in ((x, y), (x[:1500], y[:1500], x[1500:], y[1500:]))]
        found["accuracies"] = [run.metrics["final/test_accuracy"] for run in runs]
        found["predicted"] = float((runs[0].model().predict(x) == y).mean())
    """)
    assert min(found["accuracies"]) > 0.7
    assert found["predicted"] > 0.7

"""The real command with a real store: what MLflow holds after a run has finished, failed or been killed."""

import fcntl
import json
import os
import pty
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from mlflow.data import get_source
from mlflow.entities import Run

from conftest import Project
from mlplab.config import Engine
from mlplab.engines.registry import ENGINES

FAST = ["data=digits", "hidden_sizes=[32,16]", "learning_rate=0.1", "log_every=10", "epochs=2", "batch_size=50"]
STEPS = 2 * 29  # ceil(1437 / 50)
SLOW = [*FAST, "epochs=100000"]


@pytest.fixture(scope="module")
def finished(project: Project) -> Run:
    """One finished run with every feature switched on."""
    options = ["activation=tanh", "weight_decay=1e-3", "data.val_size=237", "data.standardize=true", "seed=3"]
    done = project.train(*FAST, *options)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr.lower(), done.stderr
    (run,) = project.runs()
    return run


def artifact(run: Run, name: str) -> Path:
    return Path(urllib.parse.urlparse(run.info.artifact_uri).path) / name


def test_a_run_is_finished_and_has_every_key_as_a_param(project: Project, finished: Run) -> None:
    assert finished.info.status == "FINISHED"
    assert finished.info.run_name == "tanh sgd lr=0.1"
    assert finished.data.params == {
        "engine": "numpy", "hidden_sizes": "[32, 16]", "activation": "tanh", "init": "glorot", "init_scale": "1.0",
        "loss": "cross_entropy", "penalty": "l2", "weight_decay": "0.001", "optimizer": "sgd",
        "learning_rate": "0.1", "learning_rate_decay": "1.0", "batch_size": "50", "epochs": "2",
        "iterations": "None", "sampling": "shuffle", "seed": "3", "log_every": "10", "diagnostics": "True",
        "dtype": "float32", "device": "cpu", "network._target_": "mlp",
        "data.name": "digits", "data.root": str(project.root / "data"), "data.train_size": "None",
        "data.val_size": "237", "data.standardize": "True", "data.split": "None", "tracking.uri": "None",
        "tracking.experiment": "mlplab", "tracking.sweep": "None", "tracking.job": "None",
        "tracking.run_name": "None", "tracking.color": "None", "monitor": "accuracy", "keep": "last",
        "early_stopping.patience": "None", "early_stopping.min_delta": "0.0", "data.path": "None",
        "data.label": "None", "data.dataset": "None", "data.dataset_id": "None", "data.test_size": "None",
        "data.test_seed": "None", "data.image_size": "None", "data.color": "None",
    }  # fmt: skip


def test_points_are_at_every_multiple_of_log_every(project: Project, finished: Run) -> None:
    steps = list(range(10, 2 * 24 + 1, 10))  # ceil(1200 / 50) = 24 updates an epoch
    for key in ("train/loss", "train/penalty", "test/loss", "test/accuracy", "val/loss", "val/accuracy"):
        assert [step for step, _ in project.points(finished, key)] == steps, key
    losses = [loss for _, loss in project.points(finished, "train/loss")]
    assert losses[-1] < losses[0]


def test_every_final_metric_is_logged_once(project: Project, finished: Run) -> None:
    expected = {f"final/{split}_{what}" for split in ("train", "test", "val") for what in ("accuracy", "loss")}
    expected |= {"time/train_seconds", "time/total_seconds", "time/samples_per_second"}
    logged = {key for key in finished.data.metrics if key.startswith(("final/", "time/"))}
    assert logged == expected
    for key in expected:
        assert [step for step, _ in project.points(finished, key)] == [0]


def test_tags_say_what_the_run_was_and_where_it_came_from(finished: Run) -> None:
    tags = finished.data.tags
    assert re.fullmatch("[0-9a-f]{32}", tags["fingerprint"])
    assert tags["data"] == "digits"
    assert tags["version.numpy"] == np.__version__
    assert {"host", "pid", "process_started", "version.mlflow", "version.python", "threads", "mlflow.user"} <= set(
        tags
    )
    assert "sweep" not in tags


def test_the_data_set_is_an_input_with_its_digest(finished: Run) -> None:
    (entry,) = finished.inputs.dataset_inputs
    assert entry.dataset.name == "digits"
    assert re.fullmatch("[0-9a-f]{32}", entry.dataset.digest)
    assert get_source(entry.dataset).to_dict() == {"tags": {"function": "sklearn.datasets.load_digits"}}
    profile = json.loads(entry.dataset.profile)
    assert (profile["train"], profile["val"], profile["test"]) == (1_200, 237, 360)
    assert profile["image_shape"] == [8, 8]


def test_artifacts_are_figures_numbers_reports_config_and_model(project: Project, finished: Run) -> None:
    names = {item.path for item in project.client.list_artifacts(finished.info.run_id)}
    reports = {f"classification_report_{s}.{kind}" for s in ("train", "test", "val") for kind in ("txt", "json")}
    assert names == reports | {
        "config.yaml", "loss_curve.png", "confusion_matrix.png", "confusion_matrix.csv", "test_predictions.csv",
    }  # fmt: skip
    (made,) = finished.outputs.model_outputs
    model = project.client.get_logged_model(made.model_id)
    assert {metric.key for metric in model.metrics} >= {"final/test_accuracy", "final/val_accuracy"}
    assert {metric.dataset_name for metric in model.metrics} == {"digits"}
    for picture in ("loss_curve.png", "confusion_matrix.png"):
        assert artifact(finished, picture).read_bytes().startswith(b"\x89PNG")
    counts = np.loadtxt(artifact(finished, "confusion_matrix.csv"), delimiter=",", dtype=int)
    assert counts.shape == (10, 10)
    assert counts.sum() == 360
    assert np.trace(counts) / 360 == pytest.approx(finished.data.metrics["final/test_accuracy"])
    predictions = np.loadtxt(artifact(finished, "test_predictions.csv"), delimiter=",", dtype=int, skiprows=1)
    again = np.zeros((10, 10), dtype=int)
    np.add.at(again, tuple(predictions.T), 1)
    np.testing.assert_array_equal(again, counts)
    report = json.loads(artifact(finished, "classification_report_test.json").read_text())
    assert report["accuracy"] == pytest.approx(finished.data.metrics["final/test_accuracy"])


def test_only_hydras_files_and_the_journal_remain_in_the_output_folder(project: Project, finished: Run) -> None:
    assert finished.info.status == "FINISHED"
    left = {path.name for path in (project.root / "outputs").glob("*/*/*")}
    assert left == {".hydra", "train.log", "journal.jsonl", "journal.lock"}


PREDICT = """
import sys
sys.modules["mlplab"] = None
import mlflow, numpy as np
from sklearn.datasets import load_digits
pixels, labels = load_digits(return_X_y=True)
model = mlflow.pyfunc.load_model(sys.argv[1])
print((model.predict(pixels[1437:].astype(np.uint8)) == labels[1437:]).mean())
"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", Engine)
def test_the_model_predicts_raw_pixels_elsewhere_with_the_accuracy_that_was_logged(
    project: Project, finished: Run, tmp_path: Path, engine: Engine
) -> None:
    run = finished
    if engine != run.data.params["engine"]:
        done = project.train(*FAST, f"engine={engine}", "activation=relu", "optimizer=adam", "learning_rate=0.01")
        assert done.returncode == 0, done.stderr
        run = project.runs()[-1]
    assert set(ENGINES[engine].libraries) <= {tag.removeprefix("version.") for tag in run.data.tags}
    command = [sys.executable, "-c", PREDICT, f"runs:/{run.info.run_id}/model"]
    environment = project.environment(MLFLOW_TRACKING_URI=project.uri)
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(run.data.metrics["final/test_accuracy"])


def measured(project: Project, run: Run) -> dict[str, list[tuple[int, float]]]:
    return {key: project.points(run, key) for key in run.data.metrics if not key.startswith("time/")}


@pytest.mark.slow
def test_the_same_command_twice_gives_the_same_run_bit_by_bit(fresh_project: Project) -> None:
    for _ in range(2):
        assert fresh_project.train(*FAST).returncode == 0
    one, other = fresh_project.runs()
    assert one.data.tags["fingerprint"] == other.data.tags["fingerprint"]
    assert measured(fresh_project, one) == measured(fresh_project, other)


def test_divergence_ends_failed_with_a_message_a_traceback_artifact_and_status_1(fresh_project: Project) -> None:
    done = fresh_project.train(*FAST, "activation=relu", "learning_rate=1e9")
    assert done.returncode == 1
    assert re.search(r"^ERROR: train/loss=(nan|inf) at iteration \d+: training diverged. Try", done.stderr, re.M)
    assert "Traceback" not in done.stderr
    (run,) = fresh_project.runs()
    assert run.info.status == "FAILED"
    assert "DivergedError" in artifact(run, "traceback.txt").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "sweep"),
    [
        (signal.SIGINT, []),
        (signal.SIGTERM, []),
        (signal.SIGHUP, []),
        (signal.SIGINT, ["-m", "activation=relu,tanh"]),
        (signal.SIGTERM, ["-m", "activation=relu,tanh"]),
    ],
)
def test_a_signal_ends_killed_with_what_was_measured(
    fresh_project: Project, number: signal.Signals, sweep: list[str]
) -> None:
    process = fresh_project.start(*sweep, *SLOW)
    wait_for_points(fresh_project, process)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number, stderr
    assert "stopping; saving what was measured" in stderr
    assert "Traceback" not in stderr
    (run,) = fresh_project.runs()
    *_, done, line = stdout.splitlines()
    if sweep:
        assert done == "0 of 2 runs are done; to go on, type:"
    else:
        assert re.search(
            rf": [1-9][\d,]* of 2,900,000 iterations are done \(run {run.info.run_id}\); to go on, type:", done
        )
    interpreter, *typed = shlex.split(line)
    assert shutil.which(interpreter) == sys.executable
    assert typed == [*fresh_project.command(*sweep, *SLOW)[1:], "resume=true"]
    assert run.info.status == "KILLED"
    steps = [step for step, _ in fresh_project.points(run, "train/loss")]
    assert steps == list(range(10, 10 * len(steps) + 1, 10))
    assert steps == [step for step, _ in fresh_project.points(run, "test/accuracy")]


@pytest.mark.slow
def test_the_next_run_closes_the_run_of_a_killed_process(fresh_project: Project) -> None:
    process = fresh_project.start(*SLOW)
    wait_for_points(fresh_project, process)
    process.kill()
    process.communicate(timeout=60)
    assert fresh_project.runs()[0].info.status == "RUNNING"
    assert fresh_project.train(*FAST).returncode == 0
    assert [run.info.status for run in fresh_project.runs()] == ["KILLED", "FINISHED"]


def wait_for_points(project: Project, process: subprocess.Popen[str]) -> None:
    """Wait until the first points of a running run are in the store."""
    assert process.stdout is not None
    while "iterations" not in (line := process.stdout.readline()):
        assert line, process.communicate()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if any("train/loss" in run.data.metrics for run in project.runs()):
            return
        time.sleep(0.2)
    process.kill()
    pytest.fail(f"no point appeared: {process.communicate()}")


@pytest.mark.slow
def test_a_changed_checkout_is_recorded_with_its_commit_and_its_difference(fresh_project: Project) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=fresh_project.root, capture_output=True, text=True, check=True).stdout

    (fresh_project.root / ".gitignore").write_text("outputs/\nml*\n__pycache__/\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    assert fresh_project.train(*FAST).returncode == 0
    with (fresh_project.root / "conf" / "train.yaml").open("a") as file:
        file.write("# changed\n")
    assert fresh_project.train(*FAST).returncode == 0
    clean, dirty = fresh_project.runs()
    assert clean.data.tags["git.commit"] == dirty.data.tags["git.commit"] == git("rev-parse", "HEAD").strip()
    assert (clean.data.tags["git.dirty"], dirty.data.tags["git.dirty"]) == ("false", "true")
    assert not artifact(clean, "git.diff").exists()
    assert "+# changed" in artifact(dirty, "git.diff").read_text()


@pytest.mark.slow
def test_auto_warns_when_it_falls_back_and_records_its_choice(fresh_project: Project) -> None:
    # A mirror that refuses at once stands for a machine without network.
    proxy = "http://127.0.0.1:9"
    offline = {"http_proxy": proxy, "https_proxy": proxy}
    done = fresh_project.train(*FAST[1:], "data=auto", **offline)
    assert done.returncode == 0, done.stderr
    assert "FALLING BACK to data=digits" in done.stderr
    (run,) = fresh_project.runs()
    assert (
        run.data.params["data.name"] == run.data.tags["data"] == run.inputs.dataset_inputs[0].dataset.name == "digits"
    )
    refused = fresh_project.train(*FAST[1:], "data=mnist", **offline)
    assert refused.returncode == 1
    assert str(fresh_project.root / "data" / "MNIST" / "raw") in refused.stderr
    assert "To run offline, put train-images-idx3-ubyte" in refused.stderr
    assert len(fresh_project.runs()) == 1


def test_errors_that_need_the_data_are_one_message_and_leave_no_run(project: Project, finished: Run) -> None:
    before = {run.info.run_id: run.info.status for run in project.runs()}
    assert finished.info.run_id in before
    faults = {
        "data.val_size=1437": "data.val_size=1437: the training set has 1,437 rows",
        "batch_size=1438": "batch_size=1438: the training split has 1,437 rows",
    }
    for override, message in faults.items():
        done = project.train(*FAST, override)
        assert done.returncode == 1
        assert f"ERROR: {message}" in done.stderr
        assert done.stderr.count("ERROR") == 1
    assert {run.info.run_id: run.info.status for run in project.runs()} == before


def test_a_folder_that_cannot_be_created_is_one_message(fresh_project: Project) -> None:
    (fresh_project.root / "outputs").write_text("in the way")
    refused_folder(fresh_project, "Not a directory")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_message(fresh_project: Project) -> None:
    fresh_project.root.chmod(0o555)
    try:
        refused_folder(fresh_project, "Permission denied")
    finally:
        fresh_project.root.chmod(0o755)


def refused_folder(project: Project, reason: str) -> None:
    done = project.train(*FAST)
    assert done.returncode == 1
    assert re.match(rf"ERROR: \S+outputs\S*: cannot be written \({reason}\)", done.stderr), done.stderr
    assert done.stderr.count("\n") == 1
    assert not project.runs()


def test_without_a_terminal_the_output_is_one_line_per_epoch_then_a_summary(fresh_project: Project) -> None:
    done = fresh_project.train(*FAST)
    lines = done.stdout.splitlines()
    assert lines[0] == f"sigmoid sgd lr=0.1: {STEPS} iterations"
    for epoch in (1, 2):
        assert re.match(rf"  epoch {epoch}/2  iteration +{29 * epoch}  train loss \d\.\d{{4}}", lines[epoch])
    summary = {line.split()[0] + " " + line.split()[1]: line for line in lines[3:]}
    (run,) = fresh_project.runs()
    assert f"{run.data.metrics['final/test_accuracy']:.4f}" in summary["test accuracy"]
    assert f"run            {run.info.run_id}" in done.stdout
    assert "served by      make ui" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.slow
def test_a_closed_pipe_does_not_stop_the_run(fresh_project: Project) -> None:
    with fresh_project.start(*FAST, "epochs=50") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=100) == 0
    assert [run.info.status for run in fresh_project.runs()] == ["FINISHED"]


@pytest.mark.slow
def test_a_terminal_of_80_columns_shows_epoch_loss_accuracy_and_time_left(fresh_project: Project) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = fresh_project.environment(TERM="xterm", COLUMNS="80")
    process = subprocess.Popen(
        fresh_project.command(*FAST, "epochs=300", "tracking.run_name='[/x] is no markup'"),
        cwd=fresh_project.root, env=environment, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while chunk := read_or_nothing(ours):
        shown += chunk
    os.close(ours)
    assert process.wait(timeout=60) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    lines = [line for line in re.split(r"[\r\n]+", text) if "epoch" in line]
    pattern = r"\[/x\] is no markup .* epoch \d+/300 loss \d\.\d{3} acc \d\.\d{3} ([\d,]+/s )?\d\d:\d\d left"
    assert re.search(pattern, lines[-1]), lines[-3:]
    assert max(map(len, lines)) <= 80


def read_or_nothing(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # how Linux reports the end of a terminal
        return b""


def test_a_numpy_run_never_imports_torch(fresh_project: Project) -> None:
    script = "import runpy, sys; sys.argv[0] = 'src/train.py'; runpy.run_path('src/train.py', run_name='__main__')"
    check = "; assert 'mlplab.run.pipeline' in sys.modules; assert 'torch' not in sys.modules"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, 'src'); {script}{check}", *FAST]
    done = subprocess.run(
        command, cwd=fresh_project.root, env=fresh_project.environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_warning_names_settings_without_effect(fresh_project: Project) -> None:
    done = fresh_project.train(*FAST, "penalty=none", "weight_decay=0.1", "log_every=1000")
    assert done.returncode == 0
    assert "WARNING: weight_decay=0.1 has no effect: penalty=none" in done.stderr
    assert "WARNING: log_every=1000: no point is logged" in done.stderr


def test_an_infinite_final_loss_is_divergence_too(fresh_project: Project) -> None:
    done = fresh_project.train(*FAST, "activation=relu", "learning_rate=1e30", "iterations=1")
    assert done.returncode == 1
    assert re.search(r"ERROR: final/\w+_loss=(nan|inf) at iteration 1: training diverged", done.stderr)
    assert [run.info.status for run in fresh_project.runs()] == ["FAILED"]


def test_the_working_directory_does_not_matter(fresh_project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [sys.executable, str(fresh_project.root / "src" / "train.py"), *FAST]
    done = subprocess.run(command, cwd=elsewhere, env=fresh_project.environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"make -C {fresh_project.root} ui" in done.stdout
    assert len(fresh_project.runs()) == 1
    assert not list(elsewhere.iterdir())


def test_relu_learns_real_mnist(fresh_project: Project, mnist_root: Path) -> None:
    options = ["data=mnist", "activation=relu", "learning_rate=0.1", "epochs=1", "data.train_size=20000"]
    done = fresh_project.train(*options, MLPLAB_DATA_ROOT=str(mnist_root))
    assert done.returncode == 0, done.stderr
    (run,) = fresh_project.runs()
    assert run.data.metrics["final/test_accuracy"] > 0.92
    assert [step for step, _ in fresh_project.points(run, "test/loss")] == [200]


@pytest.mark.slow
def test_a_notebooks_backend_and_a_terminal_without_unicode_cost_nothing(fresh_project: Project) -> None:
    surroundings = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "PYTHONIOENCODING": "ascii"}
    done = fresh_project.train("-m", *FAST, "activation=relu", "seed=0,1", **surroundings)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert "| best |" in done.stdout
    assert fresh_project.sweeps()[0].data.tags["sweep.best"] in ("seed=0", "seed=1")
    assert "+-" in done.stdout
    for run in fresh_project.runs():
        assert artifact(run, "loss_curve.png").exists()


@pytest.mark.slow
def test_a_full_disk_behind_stdout_does_not_stop_the_work(fresh_project: Project) -> None:
    with open("/dev/full", "w") as full:
        command = subprocess.run(
            fresh_project.command(*FAST), cwd=fresh_project.root, env=fresh_project.environment(), stdout=full
        )
    assert command.returncode == 0
    assert [run.info.status for run in fresh_project.runs()] == ["FINISHED"]


@pytest.mark.slow
def test_a_terminal_that_goes_away_does_not_stop_the_work(fresh_project: Project) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        fresh_project.command(*FAST, "epochs=60"),
        cwd=fresh_project.root,
        env=fresh_project.environment(TERM="xterm"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,  # without a controlling terminal there is no SIGHUP
    )
    os.close(theirs)
    os.read(ours, 100)
    os.close(ours)
    assert process.wait(timeout=100) == 0
    assert [run.info.status for run in fresh_project.runs()] == ["FINISHED"]


@pytest.mark.slow
def test_under_nohup_a_closed_terminal_is_nothing(fresh_project: Project) -> None:
    command = ["nohup", *fresh_project.command(*FAST, "epochs=200")]
    process = subprocess.Popen(
        command, cwd=fresh_project.root, env=fresh_project.environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for_points(fresh_project, process)
    process.send_signal(signal.SIGHUP)
    _, stderr = process.communicate(timeout=100)
    assert process.returncode == 0, stderr
    assert [run.info.status for run in fresh_project.runs()] == ["FINISHED"]

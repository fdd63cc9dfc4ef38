"""What a run records at its end: a finished one its best point, a pruned one that it was pruned."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from conftest import PROJECT
from mlplab import schema
from mlplab.app import startup
from mlplab.config import TrainConfig
from mlplab.errors import ConfigError
from mlplab.run.resumption import has_checkpoint
from mlplab.schema import State
from mlplab.tracking import outbox
from mlplab.tracking.earlier import state_of
from mlplab.tracking.journaled import read_journal

DIGITS = [
    "data=digits", "data.val_size=300", "activation=relu", "learning_rate=0.5", "hidden_sizes=[16]", "log_every=5",
    "batch_size=100",
]  # fmt: skip


class PrunedAt:
    """A pruner that stops a run at one point."""

    def __init__(self, point: int) -> None:
        self.point = point

    def report(self, point: int, value: float) -> str | None:
        return f"others were better than {value:.1f}" if point == self.point else None


class Store:
    """A store of its own, in which runs are made."""

    def __init__(self, folder: Path, settings: Callable[..., TrainConfig]) -> None:
        self.folder, self._settings = folder, settings
        self.uri = f"sqlite:///{folder / 'mlflow.db'}"

    def run(self, *overrides: str, pruner: PrunedAt | None = None) -> Run | None:
        """Make a run in the folder ``run``; return it, as the store has it."""
        chosen = self._settings(*DIGITS, f"tracking.uri={self.uri}", *overrides)
        output = self.folder / "run"
        output.mkdir(exist_ok=True)
        self.result = startup.start_run(chosen, output, pruner)
        run_id = self.result.run_id
        return None if run_id is None else MlflowClient(self.uri).get_run(run_id)

    def artifacts(self, run: Run) -> set[str]:
        return {file.path for file in MlflowClient(self.uri).list_artifacts(run.info.run_id)}

    def points(self, run: Run, key: str) -> dict[int, float]:
        return {p.step: p.value for p in MlflowClient(self.uri).get_metric_history(run.info.run_id, key)}


@pytest.fixture
def store(
    tmp_path: Path, empty_store: Path, settings: Callable[..., TrainConfig], monkeypatch: pytest.MonkeyPatch
) -> Store:
    shutil.copy(empty_store, tmp_path)
    monkeypatch.setattr(outbox, "_FOLDER", tmp_path / "unsent")
    return Store(tmp_path, settings)


def test_a_pruned_run_has_its_points_and_its_times_but_no_result(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    run = store.run("epochs=5", pruner=PrunedAt(3))
    assert run is not None
    assert state_of(run) is State.pruned
    assert run.info.status == "FINISHED"
    tags, metrics = run.data.tags, run.data.metrics
    assert (tags[schema.PRUNED_STEP_TAG], tags[schema.PRUNED_REASON_TAG][:22]) == ("15", "others were better tha")
    assert list(store.points(run, "val/accuracy")) == [5, 10, 15]
    assert not [name for name in metrics if name.startswith(schema.FINAL)]
    assert {name for name in metrics if name.startswith(schema.TIME)} == set(store.result.final)
    assert store.artifacts(run) == {"config.yaml"} | (store.artifacts(run) & {"git.diff"})
    assert not has_checkpoint(store.folder / "run")
    assert "  pruned at iteration 15: others were better than" in capsys.readouterr().out
    journaled = read_journal(store.folder / "run")
    assert journaled is not None
    assert journaled.state is State.pruned


def test_a_pruned_run_is_never_run_again(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    first = store.run("epochs=5", pruner=PrunedAt(2))
    again = store.run("epochs=5", "resume=true")
    assert first is not None
    assert again is not None
    assert again.info.run_id == first.info.run_id
    assert again.info.end_time == first.info.end_time
    assert "relu sgd lr=0.5: has been pruned already" in capsys.readouterr().out
    assert schema.final_accuracy("test") not in store.result.final


def test_a_run_that_stops_early_and_keeps_its_best_point_says_which(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    run = store.run("epochs=100", "keep=best", "early_stopping.patience=5")
    assert run is not None
    assert state_of(run) is State.finished
    accuracies = store.points(run, "val/accuracy")
    best = max(accuracies.values())
    best_step = min(step for step, value in accuracies.items() if value == best)
    assert run.data.metrics[schema.BEST_STEP] == best_step == max(accuracies) - 25
    assert run.data.metrics[schema.final_accuracy("val")] == best
    losses, tests = store.points(run, "val/loss"), store.points(run, "test/accuracy")
    assert run.data.metrics[schema.final_loss("val")] == losses[best_step]
    assert run.data.metrics[schema.final_accuracy("test")] == tests[best_step]
    reason = f"val/accuracy has not improved for 5 points (best {best:.4f} at {best_step})"
    assert run.data.tags[schema.STOPPED_TAG] == reason
    said = capsys.readouterr().out
    assert f"stopped at iteration {max(accuracies)}: {reason}" in said
    assert f"the network after iteration {best_step}, the best by validation" in said
    assert run.data.params["keep"] == "best"
    assert run.data.params["early_stopping.patience"] == "5"


def test_of_another_network_the_best_point_is_kept_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that it learns: parameters, and the averages of batch norm."""
    monkeypatch.syspath_prepend(PROJECT / "tests" / "engines")
    network = ["network._target_=own_networks.Normed", "engine=torch", "device=cpu"]
    run = store.run(*network, "optimizer=adam", "learning_rate=0.2", "epochs=4", "keep=best")
    assert run is not None
    accuracies = store.points(run, "val/accuracy")
    best_step = run.data.metrics[schema.BEST_STEP]
    assert accuracies[int(best_step)] == max(accuracies.values()) > min(accuracies.values())
    for split in ("val", "test"):
        assert run.data.metrics[schema.final_loss(split)] == store.points(run, f"{split}/loss")[int(best_step)]


def test_without_them_the_last_network_is_kept(store: Store) -> None:
    run = store.run("epochs=3")
    assert run is not None
    assert schema.BEST_STEP not in run.data.metrics
    assert schema.STOPPED_TAG not in run.data.tags


@pytest.mark.parametrize("override", ["keep=best", "early_stopping.patience=3"])
def test_who_selects_among_no_points_is_told_so(store: Store, override: str) -> None:
    with pytest.raises(ConfigError, match=r"=(best|3): goes by points, .* after 12 iterations, .* set log_every=1$"):
        store.run(override, "epochs=1", "log_every=13")


@pytest.mark.parametrize("override", ["keep=best", "early_stopping.patience=3"])
def test_the_test_set_selects_nothing(store: Store, override: str) -> None:
    with pytest.raises(ConfigError, match=r"=(best|3): needs images to select on; set data.val_size=10000"):
        store.run(override, "data.val_size=0")

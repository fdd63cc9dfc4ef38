"""A run that was killed or that failed goes on exactly from its checkpoint, unless it diverged."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlplab import engines
from mlplab.config import TrainConfig
from mlplab.data import Dataset
from mlplab.errors import DivergedError
from mlplab.run.resumption import Checkpointer, has_checkpoint
from mlplab.training import checkpoint
from mlplab.training.judge import Judge, Stop
from mlplab.training.loop import Training
from mlplab.training.schedule import Schedule

ENGINES = ["engine=numpy", "engine=torch"]
Build = Callable[..., Checkpointer]


@pytest.fixture
def build(settings: Callable[..., TrainConfig], small_dataset: Dataset, tmp_path: Path) -> Build:
    """A function that returns the checkpointer of a new training, whose folder is the test's."""

    def begin(*overrides: str) -> Checkpointer:
        chosen = settings("hidden_sizes=[8]", "optimizer=adam", "dtype=float64", "batch_size=30", *overrides)
        engine = engines.build(chosen, small_dataset, np.random.default_rng(0))
        schedule = Schedule.plan(chosen, 300)
        training = Training(engine, schedule, np.random.default_rng(1), log_every=7, splits=["test"])
        return Checkpointer(training, tmp_path, "fingerprint")

    return begin


def advance(checkpointer: Checkpointer, reports: int) -> None:
    for _ in range(reports):
        checkpointer.add(checkpointer.training.advance())
        checkpointer._next_save = 0.0  # at every end of an epoch, however long the last one took


def rest(checkpointer: Checkpointer) -> tuple[list[float], list[tuple[int, dict[str, float]]]]:
    """Train to step 60; return the weights and all points."""
    while checkpointer.training.step < 60:
        advance(checkpointer, 1)
    return checkpointer.training._engine.layers()[0][0].ravel().tolist(), checkpointer.points


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("damaged", [[], ["checkpoint.npz"]])
def test_a_run_goes_on_exactly_from_the_last_checkpoint_or_the_one_before(
    build: Build, engine: str, damaged: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    undisturbed = rest(build(engine))
    advance(build(engine), 9)
    for name in damaged:
        (tmp_path / name).write_bytes(b"damaged")
    resumed = build(engine)
    resumed.begin(resume=True)
    assert resumed.training.step == (30 if damaged else 40)
    assert rest(resumed) == undisturbed
    assert [f"{tmp_path / name}: is damaged" in caplog.text for name in damaged] == [True] * len(damaged)
    assert "begins anew" not in caplog.text


def replace_by(path: Path, arrays: Mapping[str, np.ndarray], facts: Mapping[str, object]) -> None:
    path.unlink()
    checkpoint.save_checkpoint(path, checkpoint.Checkpoint(arrays, facts))


def other_shape(path: Path) -> None:
    saved = checkpoint.load_checkpoint(path)
    assert saved is not None
    arrays = {**saved.arrays, "parameter.0": np.zeros((1, 1))}
    replace_by(path, arrays, saved.facts)


def other_facts(path: Path) -> None:
    saved = checkpoint.load_checkpoint(path)
    assert saved is not None
    facts = {**saved.facts, "epoch": {"sum": 1.0}}
    replace_by(path, saved.arrays, facts)


def no_points(path: Path) -> None:
    saved = checkpoint.load_checkpoint(path)
    assert saved is not None
    facts = {key: value for key, value in saved.facts.items() if key != "points"}
    replace_by(path, saved.arrays, facts)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("damage", [other_shape, other_facts, no_points, Path.unlink])
def test_where_nothing_can_be_used_the_run_begins_anew_exactly_with_a_warning(
    build: Build, engine: str, damage: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    undisturbed = rest(build(engine))
    checkpoint.remove_checkpoint(tmp_path / checkpoint.NAME)
    advance(build(engine), 9)
    for name in (checkpoint.NAME, "checkpoint.former.npz"):
        damage(tmp_path / name)
    resumed = build(engine)
    resumed.begin(resume=True)
    assert resumed.training.step == 0
    assert resumed.points == []
    assert f"{tmp_path}: has no checkpoint to go on from: the run begins anew" in caplog.text
    assert rest(resumed) == undisturbed


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), MemoryError(), KeyboardInterrupt()])
def test_a_run_that_failed_between_two_reports_goes_on_from_there(
    build: Build, error: BaseException, tmp_path: Path
) -> None:
    undisturbed = rest(build())
    failing = build()
    with pytest.raises(type(error)), failing.saved_when_stopped():
        advance(failing, 7)
        raise error
    assert has_checkpoint(tmp_path)
    resumed = build()
    resumed.begin(resume=True)
    assert resumed.training.step == failing.training.step
    assert rest(resumed) == undisturbed


def test_an_error_in_the_middle_of_an_update_leaves_the_checkpoint_before_it(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = rest(build())
    failing = build()
    with pytest.raises(MemoryError), failing.saved_when_stopped():
        advance(failing, 5)
        original = failing.training._engine._step  # type: ignore[attr-defined]

        def break_at_the_second(*arguments: object) -> float:
            monkeypatch.setattr(failing.training._engine, "_step", fail)
            return float(original(*arguments))

        def fail(*_: object) -> float:
            raise MemoryError

        monkeypatch.setattr(failing.training._engine, "_step", break_at_the_second)
        advance(failing, 1)
    resumed = build()
    resumed.begin(resume=True)
    assert resumed.training.step == 20
    assert rest(resumed) == undisturbed


def test_a_run_that_diverged_leaves_no_checkpoint(build: Build, tmp_path: Path) -> None:
    diverging = build()
    with pytest.raises(DivergedError), diverging.saved_when_stopped():
        advance(diverging, 7)
        assert has_checkpoint(tmp_path)
        raise DivergedError("train/loss=inf")
    assert not has_checkpoint(tmp_path)


def test_a_checkpoint_that_cannot_be_written_is_said_once_and_the_run_goes_on(
    build: Build, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    running = build()
    advance(running, 3)
    whole = (tmp_path / checkpoint.NAME).read_bytes()
    monkeypatch.setattr(checkpoint.os, "fsync", full)
    advance(running, 9)
    assert caplog.text.count(f"{tmp_path / checkpoint.NAME}: cannot be written (No space left on device)") == 1
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [(checkpoint.NAME, whole)]


SELECTING = ["keep=best", "monitor=loss", "early_stopping.patience=6", "data.val_size=70", "learning_rate=0.006"]


@pytest.fixture
def build_judged(settings: Callable[..., TrainConfig], small_dataset: Dataset, tmp_path: Path) -> Build:
    """As ``build``, with a validation split by which the training stops early and keeps its best point."""

    def begin(engine: str) -> Checkpointer:
        chosen = settings("hidden_sizes=[8]", "optimizer=adam", "dtype=float64", "batch_size=30", engine, *SELECTING)
        dataset = replace(small_dataset, val=small_dataset.test)
        built = engines.build(chosen, dataset, np.random.default_rng(0))
        judge = Judge(built, chosen.monitor, chosen.keep, chosen.early_stopping)
        plan, rng = Schedule.plan(chosen, 300), np.random.default_rng(1)
        return Checkpointer(Training(built, plan, rng, 7, ["val", "test"], judge=judge), tmp_path, "fingerprint")

    return begin


def outcome(checkpointer: Checkpointer) -> tuple[object, ...]:
    """Train to the end; return why and where it ended, the points, and the weights that are kept."""
    training = checkpointer.training
    while not training.done:
        advance(checkpointer, 1)
    last = [W_IO.tolist() for W_IO, _ in training._engine.layers()]
    training.restore_best()
    best = [W_IO.tolist() for W_IO, _ in training._engine.layers()]
    return training.stop, training.step, training.best_step, checkpointer.points, last, best


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("reports", [1, 3, 6, 14])
def test_a_run_that_stops_early_and_keeps_its_best_point_goes_on_exactly(
    build_judged: Build, engine: str, reports: int
) -> None:
    undisturbed = outcome(build_judged(engine))
    stop, step, best_step = undisturbed[:3]
    assert isinstance(stop, Stop)
    assert stop.step == step == best_step + 6 * 7  # type: ignore[operator]
    killed = build_judged(engine)
    with pytest.raises(KeyboardInterrupt), killed.saved_when_stopped():
        advance(killed, reports)
        raise KeyboardInterrupt
    resumed = build_judged(engine)
    resumed.begin(resume=True)
    assert 0 < resumed.training.step < step  # type: ignore[operator]
    assert outcome(resumed) == undisturbed


def test_a_run_that_had_stopped_before_it_was_killed_trains_no_more(build_judged: Build) -> None:
    stopped = build_judged("engine=numpy")
    with pytest.raises(KeyboardInterrupt), stopped.saved_when_stopped():
        undisturbed = outcome(stopped)
        raise KeyboardInterrupt
    resumed = build_judged("engine=numpy")
    resumed.begin(resume=True)
    assert resumed.training.done
    assert outcome(resumed)[:4] == undisturbed[:4]
    assert outcome(resumed)[5] == undisturbed[5]


def test_a_checkpoint_that_lacks_the_best_point_is_passed_over(
    build_judged: Build, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    begun = build_judged("engine=numpy")
    begun._save()
    saved = checkpoint.load_checkpoint(tmp_path / "checkpoint.npz")
    assert saved is not None
    arrays = {name: array for name, array in saved.arrays.items() if name != "best.parameter.0"}
    replace_by(tmp_path / "checkpoint.npz", arrays, saved.facts)
    build_judged("engine=numpy").begin(resume=True)
    assert "it lacks the array best.parameter.0" in caplog.text

"""The training loop: its batches, learning rates, points, and end."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplab import engines
from mlplab.config import Sampling, TrainConfig
from mlplab.data import Dataset
from mlplab.engines.base import Engine, Evaluation, Probe, State
from mlplab.errors import DivergedError
from mlplab.training import checkpoint
from mlplab.training.loop import Report, Training
from mlplab.training.schedule import Schedule, batches


@final
class Recorder(Engine):
    """Does not train: records its arguments, and returns the losses 1, 2, 3 ..."""

    def __init__(self, penalty: float = 0.0, infinite_at: int | None = None) -> None:
        self.batches: list[np.ndarray] = []
        self.learning_rates: list[float] = []
        self._penalty, self._infinite_at = penalty, infinite_at

    @property
    def device(self) -> str:
        return "none"

    def train_window(self, batches: Sequence[np.ndarray], learning_rates: Sequence[float]) -> np.ndarray:
        first = len(self.batches) + 1
        self.batches += batches
        self.learning_rates += learning_rates
        losses = np.arange(first, first + len(batches), dtype=np.float64)
        losses[losses == self._infinite_at] = np.inf
        return losses

    def evaluate(self, split: str) -> Evaluation:
        return Evaluation({"test": 0.5, "val": 0.25}[split], np.zeros(1, np.int64), 0.75)

    def probe(self, rows_B: np.ndarray) -> Probe:
        raise NotImplementedError

    def penalty(self) -> float:
        return self._penalty

    def weights(self) -> list[np.ndarray]:
        raise NotImplementedError

    def state(self) -> State:
        raise NotImplementedError

    def restore(self, state: State) -> None:
        raise NotImplementedError


def schedule(rows: int = 10, batch_size: int = 4, steps: int = 9, decay: float = 1.0) -> Schedule:
    return Schedule(rows, batch_size, steps, learning_rate=0.8, learning_rate_decay=decay)


def run(engine: Recorder, plan: Schedule, log_every: int, splits: Sequence[str] = ("test",)) -> list[Report]:
    return list(reports_of(Training(engine, plan, np.random.default_rng(0), log_every, splits)))


def reports_of(training: Training) -> Iterator[Report]:
    while not training.done:
        yield training.advance()


def test_every_epoch_takes_every_row_once_and_its_last_batch_may_be_smaller() -> None:
    engine = Recorder()
    run(engine, schedule(), log_every=100)
    assert [len(batch) for batch in engine.batches] == [4, 4, 2] * 3
    epochs = [np.concatenate(engine.batches[start : start + 3]) for start in (0, 3, 6)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(10))
    assert (epochs[0] != epochs[1]).any()


def test_random_batches_are_whole_and_drawn_with_replacement() -> None:
    engine = Recorder()
    run(engine, replace(schedule(steps=300), sampling=Sampling.random), log_every=100)
    assert {len(batch) for batch in engine.batches} == {4}
    drawn = np.concatenate(engine.batches)
    assert set(drawn) == set(range(10))
    assert any(len(set(batch)) < 4 for batch in engine.batches)  # a row can occur twice in a batch


@pytest.mark.parametrize("sampling", Sampling)
def test_restored_batches_continue_exactly(sampling: Sampling) -> None:
    plan = replace(schedule(), sampling=sampling)
    first, second = (batches(plan, np.random.default_rng(seed)) for seed in (1, 2))
    for _ in range(5):
        next(first)
    second.restore(first.state())
    for one, other in islice(zip(first, second, strict=True), 7):
        np.testing.assert_array_equal(one, other)


def test_the_learning_rate_decays_once_per_epoch() -> None:
    engine = Recorder()
    run(engine, schedule(decay=0.5), log_every=2)
    assert engine.learning_rates == [0.8] * 3 + [0.4] * 3 + [0.2] * 3


def test_points_come_at_multiples_of_log_every_and_their_losses_are_weighted_by_rows() -> None:
    reports = run(Recorder(), schedule(), log_every=4)
    points = {report.step: report.metrics for report in reports if report.metrics}
    assert list(points) == [4, 8]
    # losses 1 2 3 | 4 with 4 4 2 | 4 rows, then 5 6 | 7 8 with 4 2 | 4 4
    assert points[4]["train/loss"] == pytest.approx((1 * 4 + 2 * 4 + 3 * 2 + 4 * 4) / 14)
    assert points[8]["train/loss"] == pytest.approx((5 * 4 + 6 * 2 + 7 * 4 + 8 * 4) / 14)
    assert points[4] == {"train/loss": points[4]["train/loss"], "test/loss": 0.5, "test/accuracy": 0.75}


def test_a_penalty_and_a_validation_split_are_logged_if_they_exist() -> None:
    (report,) = run(Recorder(penalty=0.125), schedule(steps=2), log_every=2, splits=("test", "val"))
    assert report.metrics["train/penalty"] == 0.125
    assert report.metrics["val/loss"] == 0.25


def test_reports_say_when_an_epoch_and_the_run_end() -> None:
    reports = run(Recorder(), schedule(steps=8), log_every=4)
    assert [(r.step, r.epoch, r.ends_epoch) for r in reports] == [
        (3, 1, True), (4, 2, False), (6, 2, True), (8, 3, True),
    ]  # fmt: skip
    assert [r.rows for r in reports] == [10, 14, 20, 28]
    # losses 1 2 3 | 4 | 4 5 6 | 7 8, with 4 4 2 rows in every epoch
    means = [(4 + 8 + 6) / 10, 4, (16 + 20 + 12) / 10, (28 + 32) / 8]
    assert [r.train_loss for r in reports] == pytest.approx(means)


def test_an_infinite_loss_stops_training_with_the_iteration_and_the_remedy() -> None:
    engine = Recorder(infinite_at=6)
    with pytest.raises(DivergedError, match=r"train/loss=inf at iteration 6: .*learning_rate=0.08"):
        run(engine, schedule(), log_every=2)
    assert len(engine.batches) == 6


@given(rows=st.integers(1, 50), batch_size=st.integers(1, 60), steps=st.integers(1, 40), log_every=st.integers(1, 45))
def test_all_steps_are_made_and_all_points_logged_for_any_sizes(
    rows: int, batch_size: int, steps: int, log_every: int
) -> None:
    engine = Recorder()
    reports = run(engine, schedule(rows, batch_size, steps), log_every)
    assert len(engine.batches) == steps == reports[-1].step
    assert reports[-1].ends_epoch
    assert [r.step for r in reports if r.metrics] == list(range(log_every, steps + 1, log_every))


def test_a_plan_counts_epochs_or_iterations(settings: Callable[..., TrainConfig]) -> None:
    assert Schedule.plan(settings(), 60_000).steps == 15 * 938
    assert Schedule.plan(settings("iterations=1000"), 60_000).steps == 1_000
    assert Schedule.plan(settings("iterations=1000"), 60_000).epochs == 2


@pytest.mark.parametrize("stop_after", range(12))
def test_a_training_restored_from_a_file_continues_bit_by_bit(
    settings: Callable[..., TrainConfig], small_dataset: Dataset, tmp_path: Path, stop_after: int
) -> None:
    chosen = settings("hidden_sizes=[8]", "optimizer=adam", "dtype=float64", "batch_size=32", "weight_decay=0.1")
    plan = Schedule(300, 32, 35, learning_rate=0.01, learning_rate_decay=0.9)

    def begin() -> tuple[Engine, Training]:
        engine = engines.build(chosen, small_dataset, np.random.default_rng(1))
        return engine, Training(engine, plan, np.random.default_rng(2), 7, ["test"])

    def told(reports: Iterable[Report]) -> list[tuple[int, int, float, dict[str, float]]]:
        return [(report.step, report.rows, report.train_loss, report.metrics) for report in reports]

    whole, undisturbed = begin()
    expected = told(reports_of(undisturbed))
    _, first = begin()
    begun = told(islice(reports_of(first), stop_after))
    checkpoint.save_checkpoint(tmp_path / "state", first.state())

    engine, second = begin()
    saved = checkpoint.load_checkpoint(tmp_path / "state")
    assert saved is not None
    second.restore(saved)
    assert begun + told(reports_of(second)) == expected
    for one, other in zip(whole.layers(), engine.layers(), strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])

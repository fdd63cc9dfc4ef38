"""The judge of a training: which point is the best, and when training stops."""

from collections.abc import Callable
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplab import engines
from mlplab.config import TrainConfig
from mlplab.data import Dataset, Split
from mlplab.engines.base import Engine
from mlplab.selection_config import EarlyStoppingConfig, Keep, Monitor
from mlplab.training.judge import Judge, Stop

Make = Callable[..., Judge]
values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


class Numbered:
    """Stands for an engine: its state is the number of updates so far."""

    def __init__(self) -> None:
        self.step = 0

    def state(self) -> dict[str, np.ndarray]:
        return {"step": np.array(self.step)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        self.step = int(state["step"])


class Fixed:
    """A pruner that has the run stop at one point; it notes what it is told."""

    def __init__(self, at: int) -> None:
        self.at, self.told = at, list[tuple[int, float]]()

    def report(self, point: int, value: float) -> str | None:
        self.told.append((point, value))
        return "others were better" if point == self.at else None


def judge_of(
    engine: Numbered,
    monitor: Monitor = Monitor.accuracy,
    patience: int | None = None,
    min_delta: float = 0.0,
    pruner: Fixed | None = None,
) -> Judge:
    return Judge(engine, monitor, Keep.best, EarlyStoppingConfig(patience, min_delta), pruner)  # type: ignore[arg-type]


def feed(judge: Judge, engine: Numbered, measured: list[float], monitor: Monitor, ends: bool = False) -> int:
    """Judge points 10 updates apart until it says stop; return how many were judged."""
    for point, value in enumerate(measured, start=1):
        engine.step = 10 * point
        judge.judge(point, engine.step, {monitor.metric: value}, is_last=ends and point == len(measured))
        if judge.stop is not None:
            return point
    return len(measured)


@pytest.mark.parametrize("monitor", Monitor)
def test_a_metric_is_of_the_validation_split_at_a_point_and_at_the_end(monitor: Monitor) -> None:
    assert monitor.metric == f"val/{monitor}"
    assert monitor.final_metric == f"final/val_{monitor}"
    assert monitor.is_larger_better == (monitor is not Monitor.loss)


@pytest.mark.parametrize("monitor", Monitor)
@given(measured=values)
def test_the_first_of_the_best_points_is_kept(monitor: Monitor, measured: list[float]) -> None:
    engine = Numbered()
    judge = judge_of(engine, monitor)
    feed(judge, engine, measured, monitor)
    best = max(measured) if monitor.is_larger_better else min(measured)
    assert judge.best_step == 10 * (1 + measured.index(best))
    judge.restore_best()
    assert engine.step == judge.best_step
    assert judge.stop is None


@given(measured=values, patience=st.integers(1, 5), min_delta=st.floats(0, 10))
def test_training_stops_after_so_many_points_without_improvement(
    measured: list[float], patience: int, min_delta: float
) -> None:
    engine = Numbered()
    judge = judge_of(engine, patience=patience, min_delta=min_delta)
    judged = feed(judge, engine, measured, Monitor.accuracy)
    reference, since, expected = -inf, 0, None
    for point, value in enumerate(measured, start=1):
        is_better = value - reference > min_delta
        reference, since = (value, 0) if is_better else (reference, since + 1)
        if since == patience:
            expected = point
            break
    assert (judge.stop is not None) == (expected is not None)
    assert judged == (expected or len(measured))
    if judge.stop is not None:
        assert (judge.stop.step, judge.stop.pruned) == (10 * judged, False)


def test_it_says_in_one_sentence_why_it_stops() -> None:
    engine = Numbered()
    judge = judge_of(engine, patience=2)
    feed(judge, engine, [0.9, 0.95121, 0.9, 0.95121], Monitor.accuracy)
    assert judge.stop == Stop(40, "val/accuracy has not improved for 2 points (best 0.9512 at 20)", pruned=False)
    strict = judge_of(engine, Monitor.loss, patience=1, min_delta=0.01)
    feed(strict, engine, [0.5, 0.495], Monitor.loss)
    assert strict.stop is not None
    assert strict.stop.reason == "val/loss has not improved by more than 0.01 for 1 point (best 0.4950 at 20)"


def test_a_pruner_is_told_every_point_and_has_training_stop() -> None:
    engine, pruner = Numbered(), Fixed(at=2)
    judge = judge_of(engine, pruner=pruner)
    assert feed(judge, engine, [0.5, 0.6, 0.7], Monitor.accuracy) == 2
    assert pruner.told == [(1, 0.5), (2, 0.6)]
    assert judge.stop == Stop(20, "others were better", pruned=True)


def test_nothing_stops_a_training_that_ends_anyway() -> None:
    engine, pruner = Numbered(), Fixed(at=2)
    judge = judge_of(engine, patience=1, pruner=pruner)
    assert feed(judge, engine, [0.5, 0.4], Monitor.accuracy, ends=True) == 2
    assert pruner.told == [(1, 0.5), (2, 0.4)]
    assert judge.stop is None


def test_a_run_without_improvement_has_stopped_early_even_where_it_would_be_pruned() -> None:
    engine = Numbered()
    judge = judge_of(engine, patience=1, pruner=Fixed(at=2))
    feed(judge, engine, [0.5, 0.4], Monitor.accuracy)
    assert judge.stop is not None
    assert not judge.stop.pruned


@given(measured=values, cut=st.integers(0, 30), patience=st.integers(1, 5))
def test_a_restored_judge_goes_on_as_if_nothing_had_happened(measured: list[float], cut: int, patience: int) -> None:
    def judged(stops: int) -> tuple[object, object, dict[str, list[float]]]:
        engine = Numbered()
        judge = judge_of(engine, patience=patience)
        for point, value in enumerate(measured, start=1):
            engine.step = point
            if judge.stop is None:
                judge.judge(point, point, {"val/accuracy": value}, is_last=False)
            if point == stops:
                state = judge.state()
                judge = judge_of(engine, patience=patience)
                judge.restore({**state.arrays, "parameter.0": np.zeros(1)}, state.facts)
        state = judge.state()
        return judge.stop, state.facts, {name: array.tolist() for name, array in state.arrays.items()}

    assert judged(cut) == judged(0)


@pytest.mark.parametrize("engine", ["engine=numpy", "engine=torch"])
def test_the_kept_network_has_exactly_the_weights_of_its_point(
    settings: Callable[..., TrainConfig], small_dataset: Dataset, engine: str
) -> None:
    chosen = settings(engine, "hidden_sizes=[8]", "optimizer=adam", "batch_size=30")
    built: Engine = engines.build(chosen, _as_float32(small_dataset), np.random.default_rng(0))
    judge = Judge(built, Monitor.accuracy, Keep.best, EarlyStoppingConfig(None, 0.0))
    at_point = []
    for point, value in enumerate((0.5, 0.7, 0.6), start=1):
        built.train_window([np.arange(30)] * 3, [0.1] * 3)
        judge.judge(point, 3 * point, {"val/accuracy": value}, is_last=False)
        at_point.append(built.layers())
    judge.restore_best()
    for (W_IO, b_O), (best_W_IO, best_b_O) in zip(built.layers(), at_point[1], strict=True):
        np.testing.assert_array_equal(W_IO, best_W_IO)
        np.testing.assert_array_equal(b_O, best_b_O)
    assert not np.array_equal(built.layers()[0][0], at_point[2][0][0])


def _as_float32(dataset: Dataset) -> Dataset:
    from dataclasses import replace

    def narrow(split: Split) -> Split:
        return Split(split.images.astype(np.float32), split.labels)

    return replace(dataset, train=narrow(dataset.train), test=narrow(dataset.test))

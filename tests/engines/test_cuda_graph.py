"""Replaying a captured step trains as the eager step does. A stand-in replaces CUDA graphs: no GPU is needed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from mlplab import engines
from mlplab.config import Optimizer, Penalty, TrainConfig
from mlplab.data import Dataset
from mlplab.engines import cuda_graph, torch_engine
from mlplab.engines.torch_engine import TorchEngine
from mlplab.engines.torch_steps import Loss, OptimizerStep


class Graph:
    """Keeps the captured step, and runs it again on the buffers of its capture."""

    captured: list["Graph"] = []  # noqa: RUF012 - emptied by the fixture

    def __init__(self) -> None:
        Graph.captured.append(self)

    def replay(self) -> None:
        self.owner._loss = self.step(self.owner._rows_B)


def as_on_cuda(module: torch.nn.Sequential, loss: Loss, weight_decay: float) -> OptimizerStep:
    return OptimizerStep(module, loss, None, Optimizer.sgd, weight_decay)


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[Graph]:
    """Make it possible to capture steps on the CPU."""
    Graph.captured = []

    @contextmanager
    def capture(_: Graph) -> Iterator[None]:
        before = bound.state()
        yield
        bound.restore(before)  # a capture computes nothing

    bound: TorchEngine
    original = cuda_graph.CapturedStep.__init__

    def remember(self: cuda_graph.CapturedStep, step: cuda_graph.Step, rows_B: torch.Tensor) -> None:
        nonlocal bound
        bound = step.__self__  # type: ignore[attr-defined]
        original(self, step, rows_B)
        self._graph.owner, self._graph.step = self, step

    for name, stand_in in {
        "Stream": Mock, "current_stream": Mock, "stream": lambda _: nullcontext(), "CUDAGraph": Graph, "graph": capture
    }.items():  # fmt: skip
        monkeypatch.setattr(torch.cuda, name, stand_in)
    monkeypatch.setattr(cuda_graph.CapturedStep, "__init__", remember)
    monkeypatch.setattr(torch_engine, "Descent", as_on_cuda)
    return Graph.captured


@pytest.mark.parametrize("penalty", Penalty)
@pytest.mark.parametrize("optimizer", Optimizer)
def test_a_captured_run_equals_the_eager_one(
    settings: Callable[..., TrainConfig],
    small_dataset: Dataset,
    graphs: list[Graph],
    optimizer: Optimizer,
    penalty: Penalty,
) -> None:
    overrides = [
        "engine=torch", "device=cpu", "dtype=float64", "hidden_sizes=[16]", "batch_size=32", "weight_decay=0.01",
        f"optimizer={optimizer}", f"penalty={penalty}",
    ]  # fmt: skip
    eager, captured = (engines.build(settings(*overrides), small_dataset, np.random.default_rng(1)) for _ in range(2))
    rng = np.random.default_rng(2)
    batches = [rng.integers(0, 300, size) for size in [32, 32, 12, 32, 12]]
    rates = [0.1, 0.1, 0.05, 0.05, 0.01]
    expected = eager.train_window(batches, rates)

    losses = [captured._captured_step(torch.from_numpy(rows), rate) for rows, rate in zip(batches, rates, strict=True)]
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
    for one, other in zip(eager.layers(), captured.layers(), strict=True):
        np.testing.assert_allclose(one[0], other[0], rtol=1e-12)
    assert len(graphs) == 2, "one graph for each of the two batch sizes"

"""A training step as a CUDA graph: one launch instead of dozens, which take most of a small step's time."""

from collections.abc import Callable

import torch
from torch import Tensor

Step = Callable[[Tensor], Tensor]

WARM_UP_STEPS = 3  # PyTorch's documentation asks for them before a capture, to finish lazy initialisation


class CapturedStep:
    """A step, captured once for one batch size and replayed for every batch of it."""

    def __init__(self, step: Step, rows_B: Tensor) -> None:
        """Warm up and capture.

        The parameters are then ``WARM_UP_STEPS`` steps further. The caller must restore them in place, since the graph
        keeps their addresses.

        Args:
            step: maps rows (int64, on the device) to a loss, and synchronises nothing.
            rows_B: of the first batch.
        """
        self._rows_B = rows_B.clone()
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP_STEPS):
                step(self._rows_B)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._loss = step(self._rows_B)

    def __call__(self, rows_B: Tensor) -> Tensor:
        """Take the step, and return the loss."""
        self._rows_B.copy_(rows_B)
        self._graph.replay()
        return self._loss.clone()

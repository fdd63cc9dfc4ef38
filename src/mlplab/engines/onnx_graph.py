"""A saved network as an ONNX graph: from rows of numbers to the class and the probability of each."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor, nn

from mlplab.data import Scaling
from mlplab.engines.torch_network import logits_of_rows

ROWS, CLASS_INDEX, PROBABILITIES = "rows", "class_index", "probabilities"  # of the graph: its input and its outputs


class _Answering(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, rows_BI: Tensor) -> tuple[Tensor, Tensor]:
        logits_BK: Tensor = self.network(rows_BI)
        # In float64, as the saved model computes them.
        return logits_BK.argmax(dim=1), torch.softmax(logits_BK.double(), dim=1)


def scratch_module(weights: Mapping[str, NDArray[Any]], activation: str, scaling: Mapping[str, Any]) -> nn.Module:
    """Return the NumPy engine's network as a module from rows to logits.

    Args:
        weights: W0 (I, O) and b0 (O,), W1 and b1, ..., first layer first.
        activation: of the hidden layers.
        scaling: pixel_max, mean and std of the inputs.
    """
    layers = [(weights[f"W{layer}"], weights[f"b{layer}"]) for layer in range(len(weights) // 2)]
    mean, std = (tuple(value) if isinstance(value, list) else value for value in (scaling["mean"], scaling["std"]))
    return logits_of_rows(layers, activation, Scaling(scaling["pixel_max"], mean, std))


def write_onnx(network: nn.Module, inputs: int, dtype: DTypeLike, facts: Mapping[str, str], path: Path) -> None:
    """Write the graph: ``rows``, (N, inputs), to ``class_index``, int64 (N,), and ``probabilities``, float64 (N, K).

    Args:
        network: from rows of this dtype to logits, as in use and not in training.
        inputs: numbers per row.
        dtype: of the rows.
        facts: to be kept in the file.
        path: of the file; one that exists is replaced.
    """
    import onnx

    # Two rows: from one row torch would conclude that every batch has one row.
    example = torch.from_numpy(np.zeros((2, inputs), dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch's own code, about itself
        program = torch.onnx.export(
            _Answering(network),
            (example,),
            dynamo=True,
            input_names=[ROWS],
            output_names=[CLASS_INDEX, PROBABILITIES],
            dynamic_shapes=({0: torch.export.Dim("N")},),
            verbose=False,
        )
    assert program is not None
    graph = program.model_proto
    onnx.helper.set_model_props(graph, dict(facts))
    onnx.checker.check_model(graph)
    onnx.save(graph, path)

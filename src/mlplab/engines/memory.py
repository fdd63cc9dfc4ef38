"""How much memory a network takes, before it is built."""

from itertools import pairwise

import numpy as np

from mlplab.config import Device, Engine, Optimizer, TrainConfig
from mlplab.engines.base import EVALUATION_ROWS
from mlplab.scratch.activations import ACTIVATIONS
from mlplab.scratch.optimizers import OPTIMIZERS
from mlplab.selection_config import Keep

_DRAWN = np.dtype(np.float64).itemsize  # initial weights are drawn in float64 for every dtype


def least_memory(settings: TrainConfig, inputs: int, classes: int, test_rows: int) -> int:
    """Return the bytes of main memory that a run takes at the least, its data apart.

    Args:
        settings: of the run.
        inputs: numbers per image.
        classes: how many.
        test_rows: in the largest split that is evaluated.
    """
    sizes = [inputs, *settings.hidden_sizes, classes]
    numbers = sum(rows * columns + columns for rows, columns in pairwise(sizes))
    itemsize = np.dtype(settings.dtype).itemsize
    if _computes_elsewhere(settings):
        return numbers * (_DRAWN + itemsize)
    remembered = _numbers_remembered(settings.optimizer)
    gradients = settings.engine is Engine.torch and settings.optimizer is not Optimizer.sgd
    best = 1 + remembered if settings.keep is Keep.best else 0
    kept = 1 + remembered + gradients + best
    building = numbers * (_DRAWN + itemsize * (1 + remembered))
    # Diagnostics hold the gradient and the layers before and after; a checkpoint copies what an optimizer remembers.
    copied = max(3 if settings.diagnostics else 0, 1 + remembered)
    training = itemsize * (numbers * (kept + copied) + _activations(settings, sizes, test_rows))
    return max(building, training)


def least_memory_of_own(settings: TrainConfig, parameters: int, activations: int) -> int:
    """Return the same for a network of anybody's.

    Args:
        settings: of the run.
        parameters: how many numbers it learns or keeps.
        activations: how many numbers its parts return for one image.
    """
    itemsize = np.dtype(settings.dtype).itemsize
    if _computes_elsewhere(settings):
        return parameters * itemsize
    remembered = _numbers_remembered(settings.optimizer)
    # As above: the parameters, their gradients, what the optimizer remembers, and copies of some.
    kept = 2 + remembered
    copied = max(3 if settings.diagnostics else 0, 1 + remembered)
    return itemsize * (parameters * (kept + copied) + settings.batch_size * activations)


def _numbers_remembered(optimizer: Optimizer) -> int:
    """Return how many numbers the optimizer keeps for each parameter."""
    few = np.zeros((100, 1))
    return sum(array.size for array in OPTIMIZERS[optimizer]([few]).state().values()) // few.size


def _activations(settings: TrainConfig, sizes: list[int], test_rows: int) -> int:
    """Return how many activations are held at once: of a batch in training, and of many rows in an evaluation."""
    evaluated = max(settings.batch_size, min(EVALUATION_ROWS, test_rows))
    hidden = sizes[1:-1]
    if settings.engine is Engine.torch:
        return max(evaluated * max(sizes[1:]), 2 * settings.batch_size * sum(hidden))
    buffers = 2 if ACTIVATIONS[settings.activation].needs_input else 1
    return evaluated * (buffers * sum(hidden) + sizes[-1]) + settings.batch_size * sum(hidden)


def _computes_elsewhere(settings: TrainConfig) -> bool:
    """Tell whether a GPU computes, in memory of its own."""
    if settings.engine is Engine.numpy or settings.device is Device.cpu:
        return False
    from mlplab.engines.torch_engine import choose_device

    return choose_device(settings).type != "cpu"

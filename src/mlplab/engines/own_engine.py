"""The PyTorch engine of a network of anybody's."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlplab.config import TrainConfig
from mlplab.data import Dataset, Scaling
from mlplab.engines.base import Evaluation, Probe
from mlplab.engines.own_module import OwnModule, as_images
from mlplab.engines.torch_engine import TorchBase, choose_device, to_numpy
from mlplab.engines.torch_network import logits_of_images

EVALUATION_IMAGES = 256  # at once: an image may have thousands of activations, a row of an mlp has hundreds


@final
class OwnEngine(TorchBase):
    """A module in training mode for updates, and in evaluation mode otherwise; buffers and what it draws are state.

    Its steps are not captured as CUDA graphs: a module may decide by values, which a graph cannot replay.
    """

    is_captured = False

    def __init__(self, settings: TrainConfig, dataset: Dataset, own: OwnModule) -> None:
        """Prepare to train the module, in place."""
        device = choose_device(settings)
        self._shape, self._random = own.image_shape, own.random
        self.evaluation_rows = max(settings.batch_size, EVALUATION_IMAGES)
        super().__init__(settings, dataset, device, own.module.to(device))

    def _inputs(self, images: NDArray[Any]) -> Tensor:
        return as_images(images, self._shape)

    def train_window(
        self, batches: Sequence[NDArray[np.int64]], learning_rates: Sequence[float]
    ) -> NDArray[np.float64]:
        with self._computing(is_training=True, keeps=True):
            return super().train_window(batches, learning_rates)

    def evaluate(self, split: str) -> Evaluation:
        with self._computing(is_training=False, keeps=False):
            return super().evaluate(split)

    def probe(self, rows_B: NDArray[np.int64]) -> Probe:
        """See the base class; what the pass draws, and does to buffers, is undone: the update does it itself."""
        images, labels = self._splits["train"]
        rows = torch.from_numpy(rows_B).to(self._device)
        buffers = {name: buffer.clone() for name, buffer in self._module.named_buffers()}
        with self._computing(is_training=True, keeps=False):
            loss = self._loss(self._module(images[rows]), labels[rows])
            gradients = torch.autograd.grad(loss, self._weights, materialize_grads=True) if self._weights else ()
        for name, buffer in self._module.named_buffers():
            buffer.copy_(buffers[name])
        return Probe([to_numpy(gradient) for gradient in gradients], [])

    @contextmanager
    def _computing(self, *, is_training: bool, keeps: bool) -> Iterator[None]:
        self._module.train(is_training)
        # The fastest algorithms for convolutions add in an order that changes from one time to the next.
        fixed = torch.backends.cudnn.flags(enabled=True, deterministic=True)
        with self._random.drawing(keeps=keeps), fixed:
            yield

    def weights(self) -> list[NDArray[Any]]:
        return [to_numpy(weight).copy() for weight in self._weights]

    def _live_state(self) -> dict[str, Tensor]:
        parameters = {f"parameter.{name}": tensor for name, tensor in self._module.named_parameters()}
        buffers = {f"buffer.{name}": tensor for name, tensor in self._module.named_buffers()}
        return {**parameters, **buffers, **self._take_step.live_state(), **self._random.live_state()}

    def trained(self) -> nn.Module:
        """Return a copy of the module on the CPU, in evaluation mode."""
        return deepcopy(self._module).cpu().eval()

    def logits_of_rows(self, scaling: Scaling) -> nn.Module:
        """Return a module on the CPU that maps raw numbers, uint8 or float, shape (B, I), to logits, (B, K)."""
        dtype = next(p.dtype for p in self._module.parameters())
        return logits_of_images(self.trained(), self._shape, scaling, dtype)

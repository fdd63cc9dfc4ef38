"""The PyTorch engine: the same network, objective and update, by autograd and torch.optim.

``TorchBase`` is what it shares with the engine of any other module.
"""

from collections.abc import Callable, Sequence
from typing import Any, assert_never, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlplab import config
from mlplab.data import Dataset
from mlplab.engines.base import EVALUATION_ROWS, Engine, Evaluation, MlpEngine, Probe, State
from mlplab.engines.cuda_graph import CapturedStep
from mlplab.engines.torch_network import LOSSES, PENALTIES, network
from mlplab.engines.torch_steps import Descent, OptimizerStep, Step, backpropagate, is_weight
from mlplab.errors import ConfigError
from mlplab.scratch.activations import ACTIVATIONS
from mlplab.scratch.network import Layers


class TorchBase(Engine):
    """A module, whatever it computes. The data lives on the device; the losses of a window come back in one transfer.

    Attributes:
        evaluation_rows: rows evaluated at once.
        can_be_captured: whether a step on CUDA can be captured as a graph; one in float64 never is, since the graph
            would take a learning rate in float32.
    """

    evaluation_rows = EVALUATION_ROWS
    can_be_captured = True

    def __init__(
        self, settings: config.TrainConfig, dataset: Dataset, device: torch.device, module: nn.Module
    ) -> None:
        """Prepare to train the module, which is on the device and in the config's dtype."""
        self._device, self._module = device, module
        self._splits = {
            name: (self._inputs(split.images).to(device), torch.from_numpy(split.labels).to(device))
            for name, split in dataset.splits.items()
        }
        self._loss = LOSSES[settings.loss]
        self._weight_decay = settings.weight_decay
        self._penalty_of = PENALTIES[settings.penalty] if settings.weight_decay > 0 else None
        self._weights = [p for p in module.parameters() if is_weight(p)]
        is_float32 = settings.dtype is config.DType.float32
        self._is_captured = self.can_be_captured and device.type == "cuda" and is_float32
        self._take_step = self._build_step(settings)
        self._captured: dict[int, CapturedStep] = {}  # by batch size

    def _inputs(self, images: NDArray[Any]) -> Tensor:
        """Return what the module takes of images, shape (N, I); a batch is some of its rows."""
        return torch.from_numpy(images)

    def _build_step(self, settings: config.TrainConfig) -> Step:
        """Return the step: torch.optim adds L2 by itself, L1 goes through autograd."""
        l1, l2 = None, 0.0
        match settings.penalty:
            case config.Penalty.none:
                pass
            case config.Penalty.l1:
                l1 = self._penalty if settings.weight_decay > 0 else None
            case config.Penalty.l2:
                l2 = settings.weight_decay
            case _:
                assert_never(settings.penalty)
        return self._choose_step(settings.optimizer, l1, l2)

    def _choose_step(self, optimizer: config.Optimizer, l1: Callable[[], Tensor] | None, l2: float) -> Step:
        return OptimizerStep(self._module, self._loss, l1, optimizer, l2, is_captured=self._is_captured)

    @property
    def device(self) -> str:
        return self._device.type

    def train_window(
        self, batches: Sequence[NDArray[np.int64]], learning_rates: Sequence[float]
    ) -> NDArray[np.float64]:
        sizes = [len(batch) for batch in batches]
        rows = torch.split(torch.from_numpy(np.concatenate(batches)).to(self._device), sizes)
        losses = []
        step = self._captured_step if self._is_captured else self._step
        for rows_B, learning_rate in zip(rows, learning_rates, strict=True):
            losses.append(step(rows_B, learning_rate))
        return torch.stack(losses).cpu().numpy().astype(np.float64)

    def _step(self, rows_B: Tensor, learning_rate: float) -> Tensor:
        self._take_step.set_learning_rate(learning_rate)
        return self._take_step_on(rows_B)

    def _take_step_on(self, rows_B: Tensor) -> Tensor:
        images, labels = self._splits["train"]
        return self._take_step(images.index_select(0, rows_B), labels.index_select(0, rows_B))

    def _captured_step(self, rows_B: Tensor, learning_rate: float) -> Tensor:
        if len(rows_B) not in self._captured:
            before = self.state()
            self._captured[len(rows_B)] = CapturedStep(self._take_step_on, rows_B)
            self.restore(before)
        self._take_step.set_learning_rate(learning_rate)
        return self._captured[len(rows_B)](rows_B)

    @torch.no_grad()
    def evaluate(self, split: str) -> Evaluation:
        images, labels = self._splits[split]
        predictions, total = [], 0.0
        for x_B, labels_B in zip(
            torch.split(images, self.evaluation_rows), torch.split(labels, self.evaluation_rows), strict=True
        ):
            logits_BK = self._module(x_B)
            predictions.append(logits_BK.argmax(dim=1))
            total += float(self._loss(logits_BK, labels_B)) * len(labels_B)
        predicted = torch.cat(predictions)
        accuracy = float((predicted == labels).double().mean())
        return Evaluation(total / len(labels), predicted.cpu().numpy(), accuracy)

    @torch.no_grad()
    def penalty(self) -> float:
        return float(self._penalty())

    def _penalty(self) -> Tensor:
        if self._penalty_of is None or not self._weights:
            return torch.zeros((), device=self._device)
        return self._penalty_of(self._weights) * self._weight_decay

    def state(self) -> State:
        return {name: to_numpy(tensor).copy() for name, tensor in self._live_state().items()}

    @torch.no_grad()
    def restore(self, state: State) -> None:
        for name, tensor in self._live_state().items():
            tensor.copy_(torch.from_numpy(state[name]))

    def _live_state(self) -> dict[str, Tensor]:
        parameters = {f"parameter.{i}": p for i, p in enumerate(self._module.parameters())}
        return {**parameters, **self._take_step.live_state()}


@final
class TorchEngine(TorchBase, MlpEngine):
    """The built-in network."""

    def __init__(self, settings: config.TrainConfig, dataset: Dataset, layers: Layers) -> None:
        device = choose_device(settings)
        self._keeps_inputs = ACTIVATIONS[settings.activation].needs_input
        self._mlp = network(layers, settings.activation).to(device, getattr(torch, settings.dtype))
        super().__init__(settings, dataset, device, self._mlp)

    def _choose_step(self, optimizer: config.Optimizer, l1: Callable[[], Tensor] | None, l2: float) -> Step:
        if optimizer is config.Optimizer.sgd and l1 is None and self._device.type == "cpu":
            return Descent(self._mlp, self._loss, l2)
        return OptimizerStep(self._mlp, self._loss, l1, optimizer, l2, is_captured=self._is_captured)

    def probe(self, rows_B: NDArray[np.int64]) -> Probe:
        images, labels = self._splits["train"]
        rows = torch.from_numpy(rows_B).to(self._device)
        _, layers = backpropagate(self._mlp, self._loss, images[rows], labels[rows])
        gradients = [to_numpy(layer.a_BI.t() @ layer.delta_BO) for layer in layers]
        z = [layer.z_BO for layer in layers[:-1]]
        a = [layer.a_BI for layer in layers[1:]]
        return Probe(gradients, [to_numpy(kept_BO) for kept_BO in (z if self._keeps_inputs else a)])

    def layers(self) -> Layers:
        linears = (m for m in self._mlp if isinstance(m, nn.Linear))
        return [(to_numpy(m.weight).T.copy(), to_numpy(m.bias).copy()) for m in linears]


def choose_device(settings: config.TrainConfig) -> torch.device:
    """Return the device of the config; for auto the first available of cuda, mps (float32 only) and cpu.

    Raises:
        ConfigError: this machine does not have the device.
    """
    is_available = {
        config.Device.cuda: torch.cuda.is_available(),
        config.Device.mps: torch.backends.mps.is_available(),
        config.Device.cpu: True,
    }
    if settings.device is config.Device.auto:
        if settings.dtype is config.DType.float64:
            is_available[config.Device.mps] = False
        return torch.device(next(str(device) for device in is_available if is_available[device]))
    if not is_available[settings.device]:
        present = ", ".join(str(device) for device in is_available if is_available[device])
        raise ConfigError(f"device={settings.device}: this machine has only {present}; take device=auto")
    return torch.device(str(settings.device))


def to_numpy(tensor: Tensor) -> NDArray[Any]:
    """Return the tensor as an array, which may share its memory."""
    return tensor.detach().cpu().numpy()

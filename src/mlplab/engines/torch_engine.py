"""The PyTorch engine: the same network, objective and update, by autograd and torch.optim."""

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mlplab import config
from mlplab.data import Dataset, Scaling
from mlplab.engines.base import EVALUATION_ROWS, Engine, Evaluation, Layers, State
from mlplab.errors import ConfigError
from mlplab.scratch.optimizers import BETA_1, BETA_2, EPSILON, MOMENTUM

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "linear": nn.Identity,
}


@final
class TorchEngine(Engine):
    """The data lives on the device; the losses of a window come back in one transfer."""

    def __init__(self, settings: config.TrainConfig, dataset: Dataset, layers: Layers) -> None:
        self._device = choose_device(settings)
        dtype = getattr(torch, settings.dtype)
        self._splits = {
            name: (
                torch.from_numpy(split.images).to(self._device),
                torch.from_numpy(split.labels).to(self._device),
            )
            for name, split in dataset.splits.items()
        }
        self._module = _network(layers, settings.activation).to(self._device, dtype)
        self._loss = LOSSES[settings.loss]
        self._penalty_kind, self._weight_decay = settings.penalty, settings.weight_decay
        self._weights = [p for p in self._module.parameters() if p.ndim == 2]
        self._optimizer = self._build_optimizer(settings.optimizer)

    def _build_optimizer(self, name: config.Optimizer) -> torch.optim.Optimizer:
        l2 = self._weight_decay if self._penalty_kind is config.Penalty.l2 else 0.0
        biases = [p for p in self._module.parameters() if p.ndim == 1]
        groups = [{"params": self._weights, "weight_decay": l2}, {"params": biases, "weight_decay": 0.0}]
        if name is config.Optimizer.adam:
            return torch.optim.Adam(groups, betas=(BETA_1, BETA_2), eps=EPSILON)
        return torch.optim.SGD(groups, momentum=MOMENTUM if name is config.Optimizer.momentum else 0.0)

    @property
    def device(self) -> str:
        """See :attr:`Engine.device`."""
        return self._device.type

    def train_window(
        self, batches: Sequence[NDArray[np.int64]], learning_rates: Sequence[float]
    ) -> NDArray[np.float64]:
        """See :meth:`Engine.train_window`."""
        images, labels = self._splits["train"]
        sizes = [len(batch) for batch in batches]
        rows = torch.split(torch.from_numpy(np.concatenate(batches)).to(self._device), sizes)
        losses = torch.empty(len(batches), dtype=images.dtype, device=self._device)
        l1 = self._penalty_kind is config.Penalty.l1 and self._weight_decay > 0
        for i, (rows_B, learning_rate) in enumerate(zip(rows, learning_rates, strict=True)):
            for group in self._optimizer.param_groups:
                group["lr"] = learning_rate
            loss = self._loss(self._module(images[rows_B]), labels[rows_B])
            losses[i] = loss.detach()
            if l1:
                loss = loss + self._penalty()
            self._optimizer.zero_grad()
            torch.autograd.backward(loss)
            self._optimizer.step()
        return losses.cpu().numpy().astype(np.float64)

    @torch.no_grad()
    def evaluate(self, split: str) -> Evaluation:
        """See :meth:`Engine.evaluate`."""
        images, labels = self._splits[split]
        predictions, total = [], 0.0
        for x_BI, labels_B in zip(
            torch.split(images, EVALUATION_ROWS), torch.split(labels, EVALUATION_ROWS), strict=True
        ):
            logits_BK = self._module(x_BI)
            predictions.append(logits_BK.argmax(dim=1))
            total += float(self._loss(logits_BK, labels_B)) * len(labels_B)
        predicted = torch.cat(predictions)
        accuracy = float((predicted == labels).double().mean())
        return Evaluation(total / len(labels), predicted.cpu().numpy(), accuracy)

    @torch.no_grad()
    def penalty(self) -> float:
        """See :meth:`Engine.penalty`."""
        return float(self._penalty())

    def _penalty(self) -> Tensor:
        total = torch.zeros((), device=self._device, dtype=self._weights[0].dtype)
        if self._penalty_kind is config.Penalty.l1:
            total = total + sum(W.abs().sum() for W in self._weights)
        elif self._penalty_kind is config.Penalty.l2:
            total = total + sum(W.square().sum() for W in self._weights) / 2
        return total * self._weight_decay

    def layers(self) -> Layers:
        """See :meth:`Engine.layers`."""
        linears = (m for m in self._module if isinstance(m, nn.Linear))
        return [(_to_numpy(m.weight).T.copy(), _to_numpy(m.bias).copy()) for m in linears]

    def state(self) -> State:
        """See :meth:`Engine.state`."""
        found = {f"parameter.{i}": _to_numpy(p).copy() for i, p in enumerate(self._module.parameters())}
        for i, values in self._optimizer.state_dict()["state"].items():
            for key, value in values.items():
                if value is not None:  # SGD keeps a momentum buffer of None where there is no momentum
                    found[f"optimizer.{i}.{key}"] = _to_numpy(value).copy()
        return found

    @torch.no_grad()
    def restore(self, state: State) -> None:
        """See :meth:`Engine.restore`."""
        for i, parameter in enumerate(self._module.parameters()):
            parameter.copy_(torch.from_numpy(state[f"parameter.{i}"]))
        saved = self._optimizer.state_dict()
        saved["state"] = {}
        for name, array in state.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".")
                saved["state"].setdefault(int(index), {})[key] = torch.from_numpy(array.copy())
        self._optimizer.load_state_dict(saved)


def choose_device(settings: config.TrainConfig) -> torch.device:
    """Return the device asked for; for auto the first there is of cuda, mps (float32 only) and cpu.

    Raises:
        ConfigError: it is not there.
    """
    there = {
        config.Device.cuda: torch.cuda.is_available(),
        config.Device.mps: torch.backends.mps.is_available(),
        config.Device.cpu: True,
    }
    if settings.device is config.Device.auto:
        if settings.dtype is config.DType.float64:
            there[config.Device.mps] = False
        return torch.device(next(str(device) for device, is_there in there.items() if is_there))
    if not there[settings.device]:
        found = ", ".join(str(device) for device, is_there in there.items() if is_there)
        raise ConfigError(f"device={settings.device}: not on this machine, which has {found}; take device=auto")
    return torch.device(str(settings.device))


def _cross_entropy(logits_BK: Tensor, labels_B: Tensor) -> Tensor:
    return functional.cross_entropy(logits_BK, labels_B)


def _squared_error(logits_BK: Tensor, labels_B: Tensor) -> Tensor:
    p_BK = functional.softmax(logits_BK, dim=1)
    y_BK = functional.one_hot(labels_B, logits_BK.shape[1])
    return (p_BK - y_BK).square().sum(dim=1).mean() / 2


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": _cross_entropy,
    "squared_error": _squared_error,
}


def _network(layers: Layers, activation: str) -> nn.Sequential:
    """Return linear layers with these parameters and the activation between them."""
    modules: list[nn.Module] = []
    for W_IO, b_O in layers:
        fan_in, fan_out = W_IO.shape
        linear = nn.Linear(fan_in, fan_out, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W_IO.T.copy()))
            linear.bias.copy_(torch.from_numpy(b_O))
        modules += [linear, ACTIVATIONS[activation]()]
    return nn.Sequential(*modules[:-1])  # no activation behind the logits


class _Classifier(nn.Module):
    def __init__(self, network: nn.Sequential, scaling: Scaling, dtype: torch.dtype) -> None:
        super().__init__()
        self.network, self.scaling, self.dtype = network, scaling, dtype

    def forward(self, pixels_BI: Tensor) -> Tensor:
        x_BI = (pixels_BI.to(self.dtype) / self.scaling.pixel_max - self.scaling.mean) / self.scaling.std
        logits_BK: Tensor = self.network(x_BI)
        return logits_BK.argmax(dim=1)


def classifier(layers: Layers, activation: str, scaling: Scaling) -> nn.Module:
    """Return a module on the CPU that takes raw pixels, uint8 of shape (B, I), to classes, int64 of shape (B,)."""
    dtype = torch.from_numpy(layers[0][0]).dtype
    return _Classifier(_network(layers, activation).to(dtype), scaling, dtype).eval()


def _to_numpy(tensor: Tensor) -> NDArray[Any]:
    return tensor.detach().cpu().numpy()

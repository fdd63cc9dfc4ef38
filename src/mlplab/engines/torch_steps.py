"""A training step in PyTorch: by torch.optim, or, for plain gradient descent on the CPU, with fewer passes."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple, final

import torch
from torch import Tensor, nn

from mlplab import config
from mlplab.scratch.optimizers import OPTIMIZERS

Loss = Callable[[Tensor, Tensor], Tensor]


class Step(ABC):
    """Forward, backward and update of one network."""

    @abstractmethod
    def set_learning_rate(self, learning_rate: float) -> None:
        """Set the learning rate of the next steps."""

    @abstractmethod
    def __call__(self, x_BI: Tensor, labels_B: Tensor) -> Tensor:
        """Take the step, and return the loss before it: shape (), without the penalty, detached."""

    @abstractmethod
    def live_state(self) -> dict[str, Tensor]:
        """Return the live tensors that the next step depends on, except the parameters: to copy from and into."""


class Backpropagated(NamedTuple):
    """A linear layer after a backward pass. The gradient of its weights is delta^T a: (O, I), as PyTorch keeps them.

    Attributes:
        a_BI: its inputs.
        z_BO: its outputs.
        delta_BO: dL/dz.
    """

    module: nn.Linear
    a_BI: Tensor
    z_BO: Tensor
    delta_BO: Tensor


def backpropagate(
    module: nn.Sequential, loss: Loss, x_BI: Tensor, labels_B: Tensor
) -> tuple[Tensor, list[Backpropagated]]:
    """Return the detached loss, and inputs, outputs and delta of every linear layer, first layer first."""
    layers: list[tuple[nn.Linear, Tensor]] = []
    outputs: list[Tensor] = []
    a_BI = x_BI
    for part in module:
        inputs, a_BI = a_BI, part(a_BI)
        if isinstance(part, nn.Linear):
            layers.append((part, inputs.detach()))
            outputs.append(a_BI.requires_grad_())
    value = loss(a_BI, labels_B)
    deltas = torch.autograd.grad(value, outputs)
    return value.detach(), [
        Backpropagated(module, a_BI, z_BO.detach(), delta_BO)
        for (module, a_BI), z_BO, delta_BO in zip(layers, outputs, deltas, strict=True)
    ]


@final
class Descent(Step):
    """Plain gradient descent, L2 included.

    Autograd computes delta = dL/dz of every layer; the product delta^T a is added directly to the weights, whereas
    torch.optim.SGD writes the gradient and reads it again. A step of the baseline takes 0.85 of the time.
    """

    def __init__(self, module: nn.Sequential, loss: Loss, weight_decay: float) -> None:
        """Prepare to train the module; ``weight_decay`` is the factor of the L2 penalty on its weights."""
        self._module, self._loss, self._weight_decay = module.requires_grad_(False), loss, weight_decay
        self._learning_rate = 0.0

    def set_learning_rate(self, learning_rate: float) -> None:
        self._learning_rate = learning_rate

    def __call__(self, x_BI: Tensor, labels_B: Tensor) -> Tensor:
        loss, layers = backpropagate(self._module, self._loss, x_BI, labels_B)
        rate = self._learning_rate
        for linear, a_BI, _, delta_BO in layers:
            linear.weight.addmm_(delta_BO.t(), a_BI, beta=1 - rate * self._weight_decay, alpha=-rate)
            linear.bias.sub_(delta_BO.sum(dim=0), alpha=rate)
        return loss

    def live_state(self) -> dict[str, Tensor]:
        return {}


@final
class OptimizerStep(Step):
    """torch.optim, fused if it can be: one pass over the parameters, which halves Adam's time on the CPU."""

    def __init__(
        self,
        module: nn.Module,
        loss: Loss,
        penalty: Callable[[], Tensor] | None,
        name: config.Optimizer,
        weight_decay: float,
        *,
        is_captured: bool = False,
    ) -> None:
        """Prepare to train the module.

        Args:
            module: with its parameters on the device.
            loss: of logits and labels.
            penalty: added to the loss, for autograd; None for L2 or no penalty.
            name: of the optimizer.
            weight_decay: factor of the L2 penalty on the weights, which the optimizer adds to their gradient.
            is_captured: whether the step is to be captured as a CUDA graph; the learning rate is then float32.
        """
        self._module, self._loss, self._penalty = module, loss, penalty
        self._trained = [p for p in module.parameters() if p.requires_grad]
        weights, others = ([p for p in self._trained if is_weight(p) == kind] for kind in (True, False))
        groups = [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
        device = self._trained[0].device if is_captured else None
        self._optimizer = _optimizer(name, [one for one in groups if one["params"]], device)
        self._allocate()

    def _allocate(self) -> None:
        """Create the optimizer's state now, as zeros: restoring and CUDA graphs need it before the first step."""
        for parameter in self._trained:
            parameter.grad = torch.zeros_like(parameter)
        self._optimizer.step()  # with learning rate 0
        self._optimizer.zero_grad()
        for tensor in self.live_state().values():
            tensor.zero_()

    def set_learning_rate(self, learning_rate: float) -> None:
        for group in self._optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(learning_rate)
            else:
                group["lr"] = learning_rate

    def __call__(self, x_BI: Tensor, labels_B: Tensor) -> Tensor:
        loss = self._loss(self._module(x_BI), labels_B)
        objective = loss if self._penalty is None else loss + self._penalty()
        torch.autograd.backward(objective)
        self._optimizer.step()
        self._optimizer.zero_grad()
        return loss.detach()

    def live_state(self) -> dict[str, Tensor]:
        return {
            f"optimizer.{i}.{key}": tensor
            for i, parameter in enumerate(self._trained)
            for key, tensor in self._optimizer.state[parameter].items()
            if isinstance(tensor, Tensor)  # SGD without momentum keeps a buffer of None
        }


def is_weight(parameter: nn.Parameter) -> bool:
    """Tell whether a parameter is a weight that is trained: what a penalty is on; biases and norms are none."""
    return parameter.ndim >= 2 and parameter.requires_grad


def _optimizer(
    name: config.Optimizer, groups: list[dict[str, Any]], capturing: torch.device | None
) -> torch.optim.Optimizer:
    """Return the optimizer; ``capturing``: the device that captures its steps, None for no device."""
    class_name, arguments = OPTIMIZERS[name].pytorch
    rule = getattr(torch.optim, class_name)
    # A captured graph replays Python numbers as constants: only tensors on the device can change between replays.
    # The fused kernels take a float32 tensor.
    learning_rate = 0.0 if capturing is None else torch.zeros((), device=capturing)
    fast = {"fused": True, "capturable": capturing is not None}
    offered = {key: value for key, value in fast.items() if key in inspect.signature(rule).parameters}
    optimizer: torch.optim.Optimizer = rule(groups, lr=learning_rate, **arguments, **offered)
    return optimizer

"""The network as PyTorch modules, its losses, and the module from raw rows to logits that a finished run saves."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from mlplab.data import Scaling
from mlplab.scratch.activations import ACTIVATIONS
from mlplab.scratch.network import Layers


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


def _l1(weights: Sequence[Tensor]) -> Tensor:
    return sum((W_OI.abs().sum() for W_OI in weights), weights[0].new_zeros(()))


def _l2(weights: Sequence[Tensor]) -> Tensor:
    return sum((W_OI.square().sum() for W_OI in weights), weights[0].new_zeros(())) / 2


# Summed over all weight matrices, without the factor lambda; None for no penalty.
PENALTIES: dict[str, Callable[[Sequence[Tensor]], Tensor] | None] = {"none": None, "l1": _l1, "l2": _l2}


def network(layers: Layers, activation: str) -> nn.Sequential:
    """Return linear layers with these parameters and the activation between them."""
    modules: list[nn.Module] = []
    name, arguments = ACTIVATIONS[activation].pytorch
    for W_IO, b_O in layers:
        fan_in, fan_out = W_IO.shape
        linear = nn.Linear(fan_in, fan_out, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W_IO.T.copy()))
            linear.bias.copy_(torch.from_numpy(b_O))
        modules += [linear, getattr(nn, name)(**arguments)]
    return nn.Sequential(*modules[:-1])  # no activation after the logits


class _OfRows(nn.Module):
    def __init__(self, network: nn.Module, scaling: Scaling, dtype: torch.dtype) -> None:
        super().__init__()
        self.mean: Tensor | float
        self.std: Tensor | float
        self.network, self.pixel_max, self.dtype = network, scaling.pixel_max, dtype
        for name, value in (("mean", scaling.mean), ("std", scaling.std)):
            # Of pixels one number, in no dtype of its own; of other numbers one for each.
            if isinstance(value, tuple):
                self.register_buffer(name, torch.tensor(value, dtype=torch.float64))
            else:
                setattr(self, name, value)

    def forward(self, pixels_BI: Tensor) -> Tensor:
        x_BI = pixels_BI.to(self.dtype if pixels_BI.dtype == torch.uint8 else torch.float64)
        x_BI = (x_BI / self.pixel_max - self.mean) / self.std
        logits_BK: Tensor = self.network(x_BI.to(self.dtype))
        return logits_BK


def logits_of_rows(layers: Layers, activation: str, scaling: Scaling) -> nn.Module:
    """Return a module on the CPU that maps raw numbers, uint8 or float, of shape (B, I), to logits, (B, K)."""
    dtype = torch.from_numpy(layers[0][0]).dtype
    return _OfRows(network(layers, activation).to(dtype), scaling, dtype).eval()


class _Images(nn.Module):
    def __init__(self, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.image_shape = image_shape

    def forward(self, x_BI: Tensor) -> Tensor:
        channels, height, width = self.image_shape
        return x_BI.reshape(-1, height, width, channels).permute(0, 3, 1, 2).contiguous()


def logits_of_images(
    module: nn.Module, image_shape: tuple[int, int, int], scaling: Scaling, dtype: torch.dtype
) -> nn.Module:
    """Return such a classifier around a module that takes images of this shape: (channels, height, width)."""
    return _OfRows(nn.Sequential(_Images(image_shape), module), scaling, dtype).eval()

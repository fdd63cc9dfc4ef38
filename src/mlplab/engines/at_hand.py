"""Networks at hand, from a call in Python: a module or a class becomes the path that ``network._target_`` takes.

A class is named by its own path. Of a module a copy is kept here under a name made of its class and its state: the
config has that name, and a call with the same module goes on with a run of it.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from mlplab.errors import ConfigError
from mlplab.network_config import TARGET

if TYPE_CHECKING:
    from torch import nn

Network = str | Mapping[str, Any] | Callable[..., Any]  # a module can be called, too

_MADE: dict[str, Callable[[], "nn.Module"]] = {}


def __getattr__(name: str) -> Any:
    """Return what makes a module that was given: Hydra and :mod:`mlplab.app.own_network` look it up by its path."""
    if name in _MADE:
        return _MADE[name]
    raise AttributeError(f"{name} was given to mlplab.train() in another process: give it again, or name its class")


def network_keys(network: Network | Sequence[str] | None) -> dict[str, Any]:
    """Return the keys for a network: its name in conf/, or several, nested keys, a class (or a function), or a module.

    Of the last two the engine is torch, if no other is asked for.

    Raises:
        ConfigError: it is nothing of these, or no path leads to the class.
    """
    if network is None:
        return {}
    if isinstance(network, str | Sequence):
        return {"network": network}
    if isinstance(network, Mapping):
        target = network.get(TARGET)
        return {"network": {**network, TARGET: _path_of(target)} if callable(target) else dict(network)}
    from torch import nn  # a second to import

    if isinstance(network, nn.Module):
        return {"engine": "torch", "network": {TARGET: _kept(network)}}
    if callable(network):
        return {"engine": "torch", "network": {TARGET: _path_of(network)}}
    raise ConfigError(f"network: takes a name, keys, a class or a torch.nn.Module, and is a {type(network).__name__}")


def _path_of(made: Any) -> str:
    path = f"{getattr(made, '__module__', None)}.{getattr(made, '__qualname__', None)}"
    if "<" in path or "None" in path.split("."):
        raise ConfigError(f"network={made!r}: is defined inside of a function; define it outside, or give a module")
    return path


def _kept(module: "nn.Module") -> str:
    name = f"{type(module).__name__}_{_digest(module)}"
    if name not in _MADE:
        kept = deepcopy(module)
        _MADE[name] = lambda: deepcopy(kept)
    return f"{__name__}.{name}"


def _digest(module: "nn.Module") -> str:
    """Return a hash of what the module looks like, and of the numbers in it."""
    import torch

    hasher = hashlib.sha256(repr(module).encode())
    for name, tensor in module.state_dict().items():
        numbers = tensor.detach().cpu().contiguous()
        hasher.update(f"{name} {numbers.dtype} {tuple(numbers.shape)} ".encode())
        hasher.update(numbers.reshape(-1).view(torch.uint8).numpy().tobytes())
    return hasher.hexdigest()[:8]

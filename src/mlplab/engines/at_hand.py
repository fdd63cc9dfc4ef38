"""Networks at hand, from a call in Python: a module or a class becomes the path that ``network._target_`` takes.

A class is named by its own path. Of a module a copy is kept here under a name made of its class and its state: the
config has that name, and a call with the same module goes on with a run of it.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from mlplab.errors import ConfigError, error_in_words
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
    from torch.nn.parameter import is_lazy

    if any(is_lazy(one) for one in (*module.parameters(), *module.buffers())):
        raise ConfigError(
            "network: has lazy layers, whose shapes are not known yet; call it once on a batch of images"
        )
    try:
        kept = deepcopy(module)
    except Exception as error:  # whatever somebody's module raises
        raise ConfigError(f"network: cannot be copied ({error_in_words(error)}); give its class instead") from error
    name = f"{type(module).__name__}_{_digest(kept)}"
    _MADE[name] = lambda: deepcopy(kept)
    return f"{__name__}.{name}"


def _digest(module: "nn.Module") -> str:
    """Return a hash of all that makes the module: its parts, their code, their attributes, and the numbers in it.

    Of attributes it sees numbers, text and collections of them, not what other objects contain.
    """
    from mlplab.engines.own_module import digest_of_source

    hasher = hashlib.sha256(repr(module).encode())
    for name, part in module.named_modules():
        plain = {key: value for key, value in vars(part).items() if not key.startswith("_") and key != "training"}
        hasher.update(f"{name} {[(key, _shown(value)) for key, value in sorted(plain.items())]}".encode())
    for name, parameter in module.named_parameters():
        hasher.update(f"{name} {parameter.requires_grad}".encode())
    for name, value in module.state_dict().items():
        hasher.update(name.encode())
        hasher.update(_content(value))
    hasher.update(digest_of_source(f"{__name__}.{type(module).__name__}", module).encode())
    return hasher.hexdigest()[:8]


def _shown(value: object) -> str:
    """Return a value as text that is the same in another process."""
    if isinstance(value, bool | int | float | str | None):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}{[_shown(one) for one in value]}"
    if isinstance(value, Mapping):
        return f"{type(value).__name__}{[(_shown(key), _shown(one)) for key, one in value.items()]}"
    return f"{type(value).__qualname__} {getattr(value, '__qualname__', '')} {_content(value).hex()}"


def _content(value: object) -> bytes:
    """Return the numbers of a tensor, in any dtype; of anything else nothing."""
    import torch

    if not isinstance(value, torch.Tensor):
        return b""
    numbers = value.detach().cpu().contiguous()
    return (
        f"{numbers.dtype} {tuple(numbers.shape)} ".encode() + numbers.reshape(-1).view(torch.uint8).numpy().tobytes()
    )

"""A network of anybody's: made from the config, and tried on the data before anything else is done with it."""

import hashlib
import inspect
import json
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlplab.config import TrainConfig
from mlplab.data import Dataset
from mlplab.engines.cnn import CNN
from mlplab.engines.torch_engine import choose_device
from mlplab.engines.torch_random import TorchRandom
from mlplab.errors import ConfigError, error_in_words
from mlplab.network_config import TARGET, TARGET_KEY

# Makes the network of the config from the keyword arguments that the data gives: classes, image_shape.
Make = Callable[..., object]
Shape = tuple[int, int, int]  # channels, height, width

TRIED_ROWS = 2
_CNN = f"{CNN.__module__}.{CNN.__qualname__}"


@dataclass(frozen=True)
class OwnModule:
    """A network that fits the data.

    Attributes:
        module: on the CPU, in the config's dtype, with its initial weights.
        random: what it draws from while it trains.
        image_shape: (channels, height, width) of what it takes.
        parameters: how many numbers it learns or keeps.
        activations: how many numbers its parts return for one image.
        source: a digest of the code that defines it.
    """

    module: nn.Module
    random: TorchRandom
    image_shape: Shape
    parameters: int
    activations: int
    source: str


def make_module(settings: TrainConfig, dataset: Dataset, make: Make) -> OwnModule:
    """Make the network, its initial weights drawn by PyTorch from the run's seed, and try it on two images.

    Raises:
        ConfigError: it cannot be made, or is none that learns these classes from these images.
    """
    target = settings.network[TARGET]
    if target == _CNN and dataset.image_shape is None:
        raise ConfigError(
            f"network=cnn: takes pictures, and data={settings.data.name} has rows of {dataset.inputs} numbers; take "
            "network=mlp"
        )
    random = TorchRandom(settings.seed, choose_device(settings))
    with random.drawing(keeps=True):
        module = _made(target, make, dataset)
        module = module.to(getattr(torch, settings.dtype))
        activations = _try(target, module, dataset)
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise ConfigError(f"{TARGET_KEY}={target}: has no parameters to train; assign its layers to self in __init__")
    numbers = sum(tensor.numel() for tensor in (*module.parameters(), *module.buffers()))
    return OwnModule(module, random, dataset.channels_first, numbers, activations, digest_of_source(target, module))


def _made(target: str, make: Make, dataset: Dataset) -> nn.Module:
    try:
        made = make(classes=dataset.classes, image_shape=dataset.channels_first)
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(
            f"{TARGET_KEY}={target}: cannot be made for {_what(dataset)} ({error_in_words(error)}); correct it, or "
            "its arguments network.*"
        ) from error
    if not isinstance(made, nn.Module):
        raise ConfigError(f"{TARGET_KEY}={target}: makes a {type(made).__name__}; it must be a torch.nn.Module")
    return made


def _what(dataset: Dataset) -> str:
    return f"{dataset.classes} classes and images of shape {dataset.channels_first}"


def _try(target: str, module: nn.Module, dataset: Dataset) -> int:
    """Return how many numbers the module's parts return for one image; refuse one that returns no logits."""
    images = as_images(dataset.train.images[:TRIED_ROWS], dataset.channels_first)
    counts: list[int] = []

    def count(_: nn.Module, __: object, returned: object) -> None:
        if isinstance(returned, Tensor):
            counts.append(returned.numel())

    leaves = [part for part in module.modules() if not any(True for _ in part.children())]
    handles = [leaf.register_forward_hook(count) for leaf in leaves]
    try:
        with torch.no_grad():
            logits = module.eval()(images)
    except Exception as error:
        raise ConfigError(
            f"{TARGET_KEY}={target}: raises on images of shape {tuple(images.shape)} ({error_in_words(error)}); it "
            "takes (N, channels, height, width): build it from image_shape"
        ) from error
    finally:
        for handle in handles:
            handle.remove()
    _require_logits(target, logits, len(images), dataset.classes)
    return sum(counts) // len(images)


def _require_logits(target: str, logits: object, rows: int, classes: int) -> None:
    if not isinstance(logits, Tensor):
        raise ConfigError(
            f"{TARGET_KEY}={target}: returns a {type(logits).__name__}; it must return a tensor of logits, shape "
            f"(N, {classes})"
        )
    if tuple(logits.shape) != (rows, classes) or not logits.is_floating_point():
        raise ConfigError(
            f"{TARGET_KEY}={target}: returns {logits.dtype} of shape {tuple(logits.shape)} for {rows} images; it must "
            f"return the logits of {classes} classes, shape (N, {classes}): build it from classes. mlplab trains "
            "classifiers only, no regression"
        )


def as_images(rows: NDArray[Any], image_shape: Shape) -> Tensor:
    """Return images as a network takes them, shape (N, channels, height, width), of rows as the data has them."""
    channels, height, width = image_shape
    images = torch.from_numpy(rows).reshape(-1, height, width, channels)
    return images.permute(0, 3, 1, 2).contiguous()


def save_state(folder: Path, target: str, module: nn.Module) -> list[str]:
    """Write the module's state, ``state.pt``, and the source files that define it, ``code/``; return their names."""
    torch.save(module.state_dict(), folder / "state.pt")
    (folder / "code").mkdir()
    names = []
    for name, source in _sources(target, module).items():
        names.append(f"{name}.py")
        (folder / "code" / names[-1]).write_text(source, encoding="utf-8")
    return names


def digest_of_source(target: str, module: nn.Module) -> str:
    """Return a hash of the source files that define the network and its parts, PyTorch's own excepted.

    It does not see what those files import (functions, constants), files that the network reads, and names that are
    bound anew while the program runs.

    Raises:
        ConfigError: a class has no source file, as in an interactive session.
    """
    return hashlib.sha256(json.dumps(_sources(target, module)).encode()).hexdigest()[:32]


def _sources(target: str, module: nn.Module) -> dict[str, str]:
    """Return the text that defines the network and its parts, by the name of the Python module: its file, or cells."""
    named = target.rpartition(".")[0]
    names = {type(part).__module__ for part in module.modules()} | ({named} & sys.modules.keys())
    sources = {}
    for name in sorted(one for one in names if one.partition(".")[0] != "torch"):
        try:
            sources[name] = _file_or_cells(name, target, module)
        except (OSError, TypeError, KeyError) as error:
            raise ConfigError(
                f"{TARGET_KEY}={target}: the source of {name} cannot be read, which tells runs of other code apart; "
                "put the class into a file"
            ) from error
    return sources


def _file_or_cells(name: str, target: str, module: nn.Module) -> str:
    """Return the text of a Python module: of a notebook's, that of the functions and methods which the network has.

    Raises OSError, TypeError or KeyError where there is no text.
    """
    try:
        return inspect.getsource(sys.modules[name])
    except (OSError, TypeError):
        if name != "__main__":
            raise
    named = [pkgutil.resolve_name(target)] if target.rpartition(".")[0] == name else []
    defined = {one.__qualname__: one for one in (*named, *map(type, module.modules())) if one.__module__ == name}
    texts = []
    for _, one in sorted(defined.items()):
        functions = (
            [one] if inspect.isfunction(one) else [part for part in vars(one).values() if inspect.isfunction(part)]
        )
        texts += [inspect.getsource(function) for function in functions]
    return "\n".join(texts)

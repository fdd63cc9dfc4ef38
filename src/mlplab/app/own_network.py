"""Networks of anybody's: found by the path of their class, checked before anything runs, and made by Hydra."""

import inspect
import pkgutil
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from hydra.conf import ConfigSourceInfo
from hydra.errors import InstantiationException
from hydra.utils import instantiate

from mlplab.checks import require
from mlplab.errors import ConfigError, error_in_words
from mlplab.network_config import TARGET, TARGET_KEY, is_mlp
from mlplab.paths import CHECKOUT, CONF

# What the data gives to every network that takes it: how many classes, and (channels, height, width).
GIVEN = ("classes", "image_shape")


def make_importable(sources: Sequence[ConfigSourceInfo]) -> None:
    """Let classes be imported from the folder beside that of ``--config-dir``, or conf/, in whichever process this is.

    ``sources`` is Hydra's ``hydra.runtime.config_sources``, which a launcher hands to its workers.
    """
    for source in sources:
        if source.schema == "file" and (CHECKOUT or Path(source.path) != CONF):  # not the inside of a package
            make_importable_from(Path(source.path))


def make_importable_from(folder: Path) -> None:
    """Let classes be imported from the folder beside a folder of presets."""
    beside = str(folder.absolute().parent)
    if beside not in sys.path:
        sys.path.append(beside)  # at the end: nobody's file replaces a library


def require_makeable(network: Mapping[str, Any]) -> None:
    """Raise ConfigError if the network's class cannot be imported, or does not take its arguments."""
    if is_mlp(network):
        return
    target = network[TARGET]
    parameters = _parameters(target)
    arguments = {name for name in network if not _is_hydras(name)}
    kinds = [parameter.kind for parameter in parameters.values()]
    takes_any = inspect.Parameter.VAR_KEYWORD in kinds
    named = [name for name, parameter in parameters.items() if parameter.kind in _NAMED]
    own = [name for name in named if name not in GIVEN]
    for name in arguments & set(GIVEN):
        raise ConfigError(f"network.{name}={network[name]}: is given by the data; leave it out")
    for name in sorted(arguments - set(named)) if not takes_any else []:
        raise ConfigError(f"network.{name}={network[name]}: {target} takes no such argument; {_some(own)}")
    if "_args_" in network:
        return
    for name in own:
        if parameters[name].default is inspect.Parameter.empty and name not in arguments:
            raise ConfigError(f"network.{name}: {target} needs it; write network.{name}=VALUE")


_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def _some(names: Sequence[str]) -> str:
    return f"it takes {', '.join(names)}" if names else "it takes none of its own"


def _is_hydras(name: str) -> bool:
    return name.startswith("_") and name.endswith("_")


def maker_of(network: Mapping[str, Any]) -> Callable[..., object] | None:
    """Return a function that makes the network from what the data gives, see :data:`GIVEN`; None for the mlp.

    It gives the class what its ``__init__`` names of that, and raises what the class raises.
    """
    if is_mlp(network):
        return None
    named = _parameters(network[TARGET])

    def make(**given: object) -> object:
        taken = {name: value for name, value in given.items() if name in named}
        try:
            return instantiate(dict(network), **taken, _convert_="all")
        except InstantiationException as error:
            raise error.__cause__ or error from None

    return make


@cache  # of a sweep's jobs, most name the same class
def _parameters(target: str) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a class. Raises ConfigError where it cannot be imported."""
    found = _import(target)
    require(TARGET_KEY, target, callable(found), "is no class and no function that makes a torch.nn.Module")
    try:
        return inspect.signature(found).parameters
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"{TARGET_KEY}={target}: does not say what it takes ({error}); wrap it in a class"
        ) from error


def _import(target: str) -> Any:
    module = target.rpartition(".")[0]
    require(TARGET_KEY, target, bool(module), "takes the path of a class, such as my_net.MyNet, or mlp")
    try:
        return pkgutil.resolve_name(target)
    except Exception as error:  # whatever somebody's module raises when it is imported
        raise ConfigError(
            f"{TARGET_KEY}={target}: cannot be imported ({error_in_words(error)}); its file must lie beside "
            "the folder of --config-dir, or in PYTHONPATH"
        ) from error

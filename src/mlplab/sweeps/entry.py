"""What ``python src/train.py -m ...`` does: a grid of all combinations, or a search."""

from collections.abc import Sequence

from hydra.core.utils import JobReturn

from mlplab.commands import install_command
from mlplab.config import Pruning, Search
from mlplab.errors import ConfigError
from mlplab.sweeps.context import SweepContext
from mlplab.sweeps.grid import read_overrides
from mlplab.sweeps.grid_sweep import sweep_grid


def sweep_typed(arguments: list[str], context: SweepContext) -> Sequence[JobReturn]:
    """Carry out the sweep that was typed, or show its plan.

    Args:
        arguments: overrides from the command line, such as ``activation=relu,tanh``.
        context: what Hydra handed over.

    Raises:
        ConfigError: a combination is invalid, or a search needs what is not installed; nothing has run.
        StoreError: the store cannot be used.
        SweepError: jobs failed, or the sweep to be resumed is still running.
    """
    if not _searches(arguments, context):
        return sweep_grid(arguments, context)
    try:
        from mlplab.sweeps.search.search_sweep import sweep_search
    except ModuleNotFoundError as error:
        install = install_command("search")
        raise ConfigError(f"search: needs the package {error.name}; install it: {install}") from error
    return sweep_search(arguments, context)


def _searches(arguments: list[str], context: SweepContext) -> bool:
    """Whether runs depend on former ones: by what was typed, or by a preset."""
    _, fixed = read_overrides(arguments, context)
    config = context.compose_unchecked([fixed[key] for key in ("experiment", "search", "pruner") if key in fixed])
    return str(config.search) != Search.grid or str(config.pruner) != Pruning.none

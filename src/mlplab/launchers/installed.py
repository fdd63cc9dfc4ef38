"""The pools whose packages are installed; each is an extra."""

from typing import TYPE_CHECKING, Any

from mlplab.errors import ConfigError

if TYPE_CHECKING:
    from mlplab.launchers.ray_pool import RayPool
    from mlplab.launchers.submitit_pool import SubmititPool


def ray_pool(**options: Any) -> "RayPool":
    """Return Ray, connected. Raises ConfigError: it is not installed, or there is no cluster."""
    try:
        from mlplab.launchers.ray_pool import RayPool
    except ModuleNotFoundError as error:
        raise _not_installed("ray", error) from error
    pool = RayPool(**options)
    pool.connect()
    return pool


def submitit_pool(**options: Any) -> "SubmititPool":
    """Return SLURM, or its stand-in on this machine. Raises ConfigError: submitit is not installed."""
    try:
        from mlplab.launchers.submitit_pool import SubmititPool
    except ModuleNotFoundError as error:
        raise _not_installed("slurm", error) from error
    return SubmititPool.of(**options)


def _not_installed(extra: str, error: ModuleNotFoundError) -> ConfigError:
    return ConfigError(f"hydra/launcher: needs the package {error.name}; install it: pip install '.[{extra}]'")

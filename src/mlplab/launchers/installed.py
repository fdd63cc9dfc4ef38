"""The pools whose packages are installed; each is an extra."""

from typing import TYPE_CHECKING, Any

from mlplab.checks import require
from mlplab.commands import install_command
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
    _require_cpus(options["cpus_per_job"])
    pool = RayPool(**options)
    pool.connect()
    return pool


def submitit_pool(**options: Any) -> "SubmititPool":
    """Return SLURM, or its stand-in on this machine. Raises ConfigError: submitit is not installed."""
    try:
        from mlplab.launchers.submitit_pool import SubmititPool
    except ModuleNotFoundError as error:
        raise _not_installed("slurm", error) from error
    _require_cpus(options["cpus_per_job"])
    return SubmititPool.of(**options)


def _require_cpus(cpus_per_job: int) -> None:
    """Raise ConfigError unless a job is granted a CPU."""
    require("hydra.launcher.cpus_per_job", cpus_per_job, cpus_per_job >= 1, "takes a number of CPUs, at least 1")


def _not_installed(extra: str, error: ModuleNotFoundError) -> ConfigError:
    return ConfigError(f"hydra/launcher: needs the package {error.name}; install it: {install_command(extra)}")

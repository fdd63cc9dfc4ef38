"""A run's side of its sweep, in whatever process the launcher put it: one failure is known to all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from mlplab import commandline, composition, startup
from mlplab.config import TrainConfig
from mlplab.errors import ConfigError, SkippedError

FAILURE = ".failed"  # in the sweep's folder, from the first failure on


def run(composed: DictConfig) -> float:
    """Do what a Hydra task of this project does: one run of this config, alone or in a sweep.

    Returns:
        Its final test accuracy.
    """
    with commandline.task_errors(), _member():
        settings = composition.from_hydra(composed)
        _require_no_failure(settings)
        result = startup.run(settings, Path(HydraConfig.get().runtime.output_dir))
    return result.final["final/test_accuracy"]


@contextmanager
def _member() -> Iterator[None]:
    """Around a Hydra task: note its failure in the sweep's folder.

    Raises:
        ConfigError: the plan of a single run was asked for.
    """
    hydra = HydraConfig.get()
    if hydra.mode is not RunMode.MULTIRUN:
        if hydra.runtime.choices.get("hydra/launcher") == "plan":
            raise ConfigError("hydra/launcher=plan: shows what a sweep would run; add -m")
        yield
        return
    try:
        yield
    except SkippedError:
        raise
    except Exception:
        (Path(hydra.sweep.dir) / FAILURE).touch()
        raise


def _require_no_failure(settings: TrainConfig) -> None:
    """Raise SkippedError where ``fail_fast`` is set and another member of this sweep has failed."""
    hydra = HydraConfig.get()
    if settings.fail_fast and hydra.mode is RunMode.MULTIRUN and (Path(hydra.sweep.dir) / FAILURE).exists():
        raise SkippedError(f"{settings.name}: not begun, since another run failed (fail_fast=true)")

"""People's own data is read before a sweep of it begins: what is wrong with it would fail every run."""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import astuple, dataclass
from typing import Any

from mlplab.config import DType, TrainConfig
from mlplab.data_config import DataConfig
from mlplab.errors import UnusableHereError
from mlplab.sweeps.context import SweepContext
from mlplab.sweeps.grid import Job


@dataclass(frozen=True)
class NeededData:
    """The data that one job of a sweep reads."""

    config: DataConfig
    seed: int
    dtype: DType

    @classmethod
    def of_all(cls, configs: Iterable[TrainConfig]) -> list["NeededData"]:
        """Return the data that jobs with these configs read."""
        return [cls(settings.data, settings.seed, settings.dtype) for settings in configs]

    @classmethod
    def of_jobs(cls, jobs: Iterable[Job]) -> list["NeededData"]:
        """Return the data that the valid ones of these jobs read."""
        return cls.of_all(job.settings for job in jobs if job.settings is not None)

    @classmethod
    def of_frozen(cls, config: Mapping[str, Any]) -> "NeededData":
        """Return the data that a frozen job reads; ``config``: every key and its value."""
        texts = {key: str(value) for key, value in config.items()}
        return cls(DataConfig.of_params(texts), int(config["seed"]), DType(config["dtype"]))


def require_data(needed: Iterable[NeededData], context: SweepContext) -> None:
    """Load each data set of people's own files once, with the first seed of those that need it.

    A published set or a download is left to the runs: it has been verified, and this process need not have it. Nor
    need it have files, or memory for them, where the launcher's machines are others.

    Raises:
        DataError, ConfigError: what a run of this data would raise.
    """
    distinct: dict[tuple[Any, ...], NeededData] = {}
    for one in needed:
        if one.config.is_of_files:
            distinct.setdefault((*astuple(one.config), one.dtype), one)
    for one in reversed(distinct.values()):  # the first last: it is what the first run takes over
        with suppress(UnusableHereError) if context.runs_elsewhere else nullcontext():
            context.load(one.config, one.seed, one.dtype)

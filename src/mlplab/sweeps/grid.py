"""From what is typed after -m to jobs: every combination of the values given, each checked before the first runs."""

from collections.abc import Mapping
from dataclasses import dataclass

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, open_dict, read_write

from mlplab.composition import from_hydra
from mlplab.config import CARRYING_OUT, TrainConfig
from mlplab.errors import ConfigError
from mlplab.names import member_name


@dataclass(frozen=True)
class Job:
    """One combination.

    Attributes:
        varying: the swept keys and their values here, as typed.
        name: says what varies; empty where nothing does, or where a name was given.
        settings: its config; None where the combination is invalid.
        fault: why it is.
    """

    number: int
    varying: Mapping[str, str]
    name: str
    settings: TrainConfig | None
    fault: str = ""


def combinations(arguments: list[str], hydra_config: DictConfig, loader: ConfigLoader) -> list[Job]:
    """Return every combination of the values given.

    Args:
        arguments: overrides from the command line, such as ``activation=relu,tanh``.
        hydra_config: of the whole sweep, as Hydra hands it to a sweeper.
        loader: composes the config of one job.

    Raises:
        ConfigError: there is none, or a key varies that the whole sweep has in common.
    """
    overrides = OverridesParser.create(config_loader=loader).parse_overrides(arguments)
    varying = [override.get_key_element() for override in overrides if override.is_sweep_override()]
    for key in varying:
        if key in CARRYING_OUT or key == "experiment" or (key.startswith("tracking") and key != "tracking.run_name"):
            raise ConfigError(f"{key}: is one for the whole sweep; give it one value")
    jobs = []
    for number, combination in enumerate(BasicSweeper.split_arguments(overrides, max_batch_size=None)[0]):
        values = dict(text.split("=", 1) for text in combination)
        own = {key: values[key] for key in varying}
        try:
            jobs.append(Job(number, own, member_name(own), compose(combination, hydra_config, loader)))
        except ConfigError as error:
            jobs.append(Job(number, own, member_name(own), None, str(error)))
    if not jobs:
        raise ConfigError(
            f"{' '.join(arguments)}: no combination to run; write the values, as in activation=relu,tanh"
        )
    return jobs


def require_valid(jobs: list[Job]) -> None:
    """Raise ConfigError for combinations that are not."""
    faults = [job.fault for job in jobs if job.settings is None]
    if faults:
        others = f" ({len(faults)} of {len(jobs)} combinations are invalid)" if len(jobs) > 1 else ""
        raise ConfigError(f"{faults[0]}{others}")


def compose(overrides: list[str], hydra_config: DictConfig, loader: ConfigLoader) -> TrainConfig:
    """Return the checked config of one job. Raises ConfigError."""
    composed = loader.load_sweep_config(hydra_config, overrides)
    with read_write(composed), open_dict(composed):
        del composed["hydra"]
    return from_hydra(composed)

"""From the command line to jobs: every combination of the given values, all checked before the first one runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from math import ceil, prod

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, RangeSweep

from mlplab.config import CARRYING_OUT, MAKING_UP, TrainConfig
from mlplab.errors import ConfigError
from mlplab.flat_config import is_words
from mlplab.names import member_name
from mlplab.sweeps.context import SweepContext


@dataclass(frozen=True)
class Job:
    """One combination.

    Attributes:
        varying: the swept keys and their values in this combination, as typed.
        name: of the swept values; empty if nothing is swept.
        settings: its config; None if the combination is invalid.
        fault: why it is invalid.
    """

    number: int
    varying: Mapping[str, str]
    name: str
    settings: TrainConfig | None
    fault: str = ""


def combine(arguments: list[str], context: SweepContext) -> list[Job]:
    """Return every combination of the given values.

    Args:
        arguments: overrides from the command line, such as ``activation=relu,tanh``.
        context: composes the config of each.

    Raises:
        ConfigError: there is no combination, a key has no list of values, or it must not be swept.
    """
    overrides = OverridesParser.create(config_loader=context.loader).parse_overrides(arguments)
    varying = [override.get_key_element() for override in overrides if override.is_sweep_override()]
    for key in varying:
        require_sweepable(key)
    _require_few(overrides, context)
    choices = {override.get_key_element(): _values(override) for override in overrides}
    jobs = []
    for number, values in enumerate(product(*choices.values())):
        combination = dict(zip(choices, values, strict=True))
        own = {key: combination[key] for key in varying}
        try:
            settings = context.compose([f"{key}={value}" for key, value in combination.items()])
            jobs.append(Job(number, own, member_name(own), settings))
        except ConfigError as error:
            jobs.append(Job(number, own, member_name(own), None, str(error)))
    if not jobs:
        raise ConfigError(
            f"{' '.join(arguments)}: no combination to run; write the values, as in activation=relu,tanh"
        )
    return jobs


def require_sweepable(key: str) -> None:
    """Raise ConfigError for a key that must be the same in all runs of a sweep."""
    if (
        key in (*CARRYING_OUT, *MAKING_UP, "experiment")
        or is_words(key)
        or (key.startswith("tracking") and key != "tracking.run_name")
    ):
        raise ConfigError(f"{key}: must be the same in the whole sweep; give it one value")


def _require_few(overrides: Sequence[Override], context: SweepContext) -> None:
    """Raise ConfigError for more than ``max_jobs`` combinations, before any of them is composed."""
    counts = {override.get_key_element(): _count(override) for override in overrides}
    jobs = prod(counts.values())
    typed = [override.input_line for override in overrides if override.get_key_element() == "max_jobs"]
    allowed = context.compose([text for text in typed if text is not None]).max_jobs
    if jobs > allowed:
        factors = " x ".join(f"{count:,} of {key}" for key, count in counts.items() if count > 1)
        raise ConfigError(
            f"max_jobs={allowed}: the sweep has {jobs:,} combinations ({factors}); "
            f"take fewer values, or set max_jobs={jobs}"
        )


def _count(override: Override) -> int:
    """Return how many values one key has; a range of a billion is counted without listing it."""
    _require_discrete(override)
    swept = override.value()
    if not isinstance(swept, RangeSweep):
        return len(_values(override))
    start, stop, step = (Decimal(bound or 0) for bound in (swept.start, swept.stop, swept.step))
    if step == 0:
        raise ConfigError(f"{override.input_line}: takes a step other than 0")
    return max(0, ceil((stop - start) / step))


def _require_discrete(override: Override) -> None:
    if override.is_sweep_override() and not override.is_discrete_sweep():
        raise ConfigError(
            f"{override.input_line}: a grid takes a list of values, such as learning_rate=0.01,0.1; a search, such as "
            "search=tpe, takes an interval"
        )


def _values(override: Override) -> list[str]:
    """Return the values of one key, in Hydra's grammar."""
    if not override.is_sweep_override():
        return [override.get_value_element_as_str()]
    return list(override.sweep_string_iterator())


def require_valid(jobs: list[Job]) -> None:
    """Raise ConfigError if a combination is invalid."""
    faults = [job.fault for job in jobs if job.settings is None]
    if faults:
        others = f" ({len(faults)} of {len(jobs)} combinations are invalid)" if len(jobs) > 1 else ""
        raise ConfigError(f"{faults[0]}{others}")

"""From the command line to jobs: every combination of the given values, all checked before the first one runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from mlplab.config import CARRYING_OUT, MAKING_UP, TrainConfig
from mlplab.errors import ConfigError
from mlplab.flat_config import is_words
from mlplab.names import member_name
from mlplab.sweeps.axes import Bundle, bundle_overrides, count_values, enumerate_axis
from mlplab.sweeps.condition import Condition
from mlplab.sweeps.context import SweepContext
from mlplab.terminal import say

MOST_TRIED = 10_000  # combinations on which ``only`` is tried, 2 ms each, unless max_jobs is larger
_OF_THE_SWEEP = ("experiment", "max_jobs", "zip", "only")  # what says which combinations there are


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


@dataclass(frozen=True)
class MadeUp:
    """What says which combinations there are, beside the values.

    Attributes:
        zipped: the value of ``zip``.
        condition: of ``only``.
    """

    zipped: object
    condition: Condition | None
    max_jobs: int

    @classmethod
    def read(cls, fixed: Mapping[str, str], context: SweepContext) -> "MadeUp":
        """Return what these overrides say, by key, or a preset that they name. Raises ConfigError."""
        config = context.compose_unchecked([text for key, text in fixed.items() if key in _OF_THE_SWEEP])
        condition = None if config.only is None else Condition.read(config.only)
        zipped = OmegaConf.to_container(config.zip) if OmegaConf.is_config(config.zip) else config.zip
        return cls(zipped, condition, context.compose([f"max_jobs={config.max_jobs}"]).max_jobs)


def read_overrides(arguments: Sequence[str], context: SweepContext) -> tuple[dict[str, Override], dict[str, str]]:
    """Return what has several values, and what has one, by key; of a key that was typed twice the last counts.

    Raises:
        ConfigError: a key must not be swept.
    """
    last: dict[str, Override] = {}
    for override in OverridesParser.create(config_loader=context.loader).parse_overrides(list(arguments)):
        last.pop(override.get_key_element(), None)  # its place is where it was typed last, too
        last[override.get_key_element()] = override
    swept = {key: override for key, override in last.items() if override.is_sweep_override()}
    for key in swept:
        require_sweepable(key)
    return swept, {key: _one_value(key, override) for key, override in last.items() if key not in swept}


def combine(arguments: list[str], context: SweepContext) -> list[Job]:
    """Return every combination of the given values for which ``only`` holds; ``zip`` walks some keys together.

    Args:
        arguments: overrides from the command line, such as ``activation=relu,tanh``.
        context: composes the config of each.

    Raises:
        ConfigError: there is no combination, a key has no list of values, or it must not be swept; ``zip`` or
            ``only`` is wrong.
    """
    swept, fixed = read_overrides(arguments, context)
    made_up = MadeUp.read(fixed, context)
    condition, allowed = made_up.condition, made_up.max_jobs
    bundles = bundle_overrides(list(swept.values()), made_up.zipped)
    _require_few(bundles, allowed, condition)
    axes = [enumerate_axis(bundle) for bundle in bundles]
    combinations = list(product(*(axis.values for axis in axes)))
    if not combinations:
        raise ConfigError(
            f"{' '.join(arguments)}: no combination to run; write the values, as in activation=relu,tanh"
        )
    jobs = list[Job]()
    for values in combinations:
        chosen = {
            key: value
            for axis, each in zip(axes, values, strict=True)
            for key, value in zip(axis.keys, each, strict=True)
        }
        own = {key: chosen[key] for key in swept}  # in the order in which they were typed
        config = context.compose_unchecked([*fixed.values(), *(f"{key}={value}" for key, value in own.items())])
        if condition is None or condition.holds(config):
            jobs.append(_read_job(len(jobs), own, config, context))
    if condition is not None:
        _report_excluded(condition, len(combinations), len(jobs), allowed)
    return jobs


def require_sweepable(key: str) -> None:
    """Raise ConfigError for a key that must be the same in all runs of a sweep."""
    if key == "zip":
        raise ConfigError("zip: takes a list of keys in brackets, such as zip='[hidden_sizes,learning_rate]'")
    if (
        key in (*CARRYING_OUT, *MAKING_UP, "experiment")
        or is_words(key)
        or (key.startswith("tracking") and key != "tracking.run_name")
    ):
        raise ConfigError(f"{key}: must be the same in the whole sweep; give it one value")


def _one_value(key: str, override: Override) -> str:
    return f"{key}={override.get_value_element_as_str()}"


def _require_few(bundles: Sequence[Bundle], allowed: int, condition: Condition | None) -> None:
    """Raise ConfigError for more combinations than ``max_jobs`` allows, before any of them is composed."""
    counts = {" and ".join(one.get_key_element() for one in bundle): count_values(bundle[0]) for bundle in bundles}
    jobs = prod(counts.values())
    factors = " x ".join(f"{count:,} of {key}" for key, count in counts.items() if count > 1)
    if condition is not None and jobs > max(allowed, MOST_TRIED):
        raise ConfigError(
            f"only={condition.text}: chooses among {jobs:,} combinations ({factors}), and more than "
            f"{max(allowed, MOST_TRIED):,} are not tried; take fewer values, or set max_jobs={jobs}"
        )
    if condition is None and jobs > allowed:
        raise ConfigError(
            f"max_jobs={allowed}: the sweep has {jobs:,} combinations ({factors}); "
            f"take fewer values, or set max_jobs={jobs}"
        )


def _read_job(number: int, own: Mapping[str, str], config: DictConfig, context: SweepContext) -> Job:
    try:
        return Job(number, own, member_name(own), context.read(config))
    except ConfigError as error:
        return Job(number, own, member_name(own), None, str(error))


def _report_excluded(condition: Condition, combinations: int, left: int, allowed: int) -> None:
    """Say how many combinations the condition leaves out. Raises ConfigError: it leaves none, or too many."""
    if not left:
        raise ConfigError(f"only={condition.text}: holds for none of {combinations:,} combinations; take a wider one")
    if left > allowed:
        raise ConfigError(
            f"max_jobs={allowed}: only={condition.text} leaves {left:,} of {combinations:,} combinations; "
            f"take a narrower one, or set max_jobs={left}"
        )
    say(f"only={condition.text}: leaves out {combinations - left:,} of {combinations:,} combinations")


def require_valid(jobs: list[Job]) -> None:
    """Raise ConfigError if a combination is invalid."""
    faults = [job.fault for job in jobs if job.settings is None]
    if faults:
        others = f" ({len(faults)} of {len(jobs)} combinations are invalid)" if len(jobs) > 1 else ""
        raise ConfigError(f"{faults[0]}{others}")

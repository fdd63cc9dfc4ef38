"""The space of a search: what Hydra's grammar says of every swept key, as Optuna's distributions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, inf

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from mlplab.errors import ConfigError
from mlplab.sweeps.axes import Axis, Bundle, bundle_overrides, enumerate_axis

Proposal = Mapping[str, object]  # a value of every dimension, by its name, as Optuna has it


@dataclass(frozen=True)
class Dimension:
    """One swept key, or several that are walked together.

    Attributes:
        keys: of the config.
        distribution: of its values; of choices, the values are the texts below.
        choices: by its text, the values of the keys in Hydra's grammar; empty for a range or an interval.
        size: how many values there are; infinite for an interval of numbers.
    """

    keys: tuple[str, ...]
    distribution: BaseDistribution
    choices: Mapping[str, tuple[str, ...]]
    size: float

    @property
    def name(self) -> str:
        """Its name in the study."""
        return " ".join(self.keys)

    def overrides(self, value: object) -> dict[str, str]:
        """Return the value of each key in Hydra's grammar."""
        if self.choices:
            return dict(zip(self.keys, self.choices[str(value)], strict=True))
        assert isinstance(value, int | float)
        assert isinstance(self.distribution, FloatDistribution | IntDistribution)
        (key,) = self.keys
        return {key: repr(_short(value, self.distribution.low, self.distribution.high))}

    def edges(self) -> list[object]:
        """Return its choices, or its lowest and highest value: if they are valid, so are those between."""
        match self.distribution:
            case CategoricalDistribution() as choice:
                return list(choice.choices)
            case FloatDistribution() | IntDistribution() as numbers:
                return [numbers.low, numbers.high]
            case _:
                raise TypeError(self.distribution)

    def values(self) -> list[object]:
        """Return all its values, of which there are :attr:`size`."""
        if self.choices:
            return list(self.choices)
        numbers = self.distribution
        assert isinstance(numbers, FloatDistribution | IntDistribution)
        step = Decimal(str(numbers.step or 0))
        kind = int if isinstance(numbers, IntDistribution) else float
        return [kind(Decimal(str(numbers.low)) + index * step) for index in range(int(self.size))]

    def describe(self) -> str:
        """Return it for people: ``from 0.0001 to 1 by its logarithm``."""
        match self.distribution:
            case CategoricalDistribution() as choice:
                return ", ".join(map(str, choice.choices))
            case FloatDistribution() | IntDistribution() as numbers:
                kind = "whole numbers " if isinstance(numbers, IntDistribution) else ""
                step = f" in steps of {numbers.step:g}" if numbers.step not in (None, 1) else ""
                return f"{kind}from {numbers.low:g} to {numbers.high:g}{step}{' by its logarithm' * numbers.log}"
            case _:
                raise TypeError(self.distribution)


def read_dimensions(swept: Mapping[str, Override], zipped: object = None) -> list[Dimension]:
    """Return the space that was typed, in the order of its keys.

    Args:
        swept: what has several values, by key.
        zipped: the value of ``zip``: keys that are walked together.

    Raises:
        ConfigError: there is nothing to search, or a key cannot be searched.
    """
    if "seed" in swept:
        raise ConfigError(
            f"{swept['seed'].input_line}: a search compares its runs at one seed; give it one, and train the best "
            "again with -m seed=0,1,2"
        )
    if not swept:
        raise ConfigError(
            "search: no key has several values; write them, as in learning_rate='tag(log, interval(1e-4, 1))'"
        )
    return [_read_dimension(bundle) for bundle in bundle_overrides(list(swept.values()), zipped)]


def _read_dimension(bundle: Bundle) -> Dimension:
    first, *others = bundle
    if not others and takes_numbers(first):
        return dimension_of_numbers(first)
    return dimension_of_axis(enumerate_axis(bundle))


def dimension_of_axis(axis: Axis) -> Dimension:
    """Return the dimension of keys that have a list of values."""
    choices = {" ".join(values): values for values in axis.values}
    return Dimension(axis.keys, CategoricalDistribution(list(choices)), choices, len(choices))


def dimension_of_numbers(override: Override) -> Dimension:
    """Return the dimension of a key that has a range or an interval.

    Raises:
        ConfigError: there is no number in it, or it has a tag that means nothing here.
    """
    swept = override.value()
    assert isinstance(swept, IntervalSweep | RangeSweep)
    unknown = swept.tags - {"log", "int"}
    if unknown:
        raise ConfigError(
            f"{override.input_line}: tag({', '.join(sorted(unknown))}, ...) says nothing; take log or int"
        )
    numbers = _interval(override, swept) if isinstance(swept, IntervalSweep) else _range(override, swept)
    return Dimension((override.get_key_element(),), numbers, {}, _size(numbers))


def takes_numbers(override: Override) -> bool:
    """Tell whether a swept key draws from a range or an interval of numbers, and not from a list of values."""
    swept = override.value()
    return isinstance(swept, IntervalSweep) or (isinstance(swept, RangeSweep) and not swept.shuffle)


def _interval(override: Override, swept: IntervalSweep) -> FloatDistribution | IntDistribution:
    low, high, log = swept.start, swept.end, "log" in swept.tags
    assert low is not None
    assert high is not None
    if not -inf < low <= high < inf:
        raise ConfigError(f"{override.input_line}: takes the lower bound first, such as interval(0.01, 1)")
    _require_positive(override, low, log)
    if "int" not in swept.tags and not (isinstance(low, int) and isinstance(high, int)):  # int(interval(...)) casts
        return FloatDistribution(float(low), float(high), log=log)
    if low != int(low) or high != int(high):
        raise ConfigError(f"{override.input_line}: takes bounds that are whole numbers, such as 16 and 512")
    return IntDistribution(int(low), int(high), log=log)


def _range(override: Override, swept: RangeSweep) -> FloatDistribution | IntDistribution:
    start, stop, step = (Decimal(str(bound or 0)) for bound in (swept.start, swept.stop, swept.step))
    if step == 0:
        raise ConfigError(f"{override.input_line}: takes a step other than 0")
    count = ceil((stop - start) / step)  # Hydra's range ends before its stop
    if count < 1:
        raise ConfigError(f"{override.input_line}: has no value; a range ends before its second number")
    low, high = sorted((start, start + (count - 1) * step))
    log, is_whole = "log" in swept.tags, all(isinstance(n, int) for n in (swept.start, swept.stop, swept.step))
    _require_positive(override, float(low), log)
    if log and (abs(step) != 1 or not is_whole):
        raise ConfigError(
            f"{override.input_line}: by its logarithm takes an interval, or steps of 1; leave the tag out"
        )
    if is_whole:
        return IntDistribution(int(low), int(high), log=log, step=int(abs(step)))
    return FloatDistribution(float(low), float(high), step=float(abs(step)))


def _require_positive(override: Override, low: float, log: bool) -> None:
    if log and low <= 0:
        raise ConfigError(f"{override.input_line}: has no logarithm at {low:g}; take a lower bound above 0")


def _size(numbers: FloatDistribution | IntDistribution) -> float:
    if numbers.step is None:
        return 1 if numbers.low == numbers.high else inf
    return round((numbers.high - numbers.low) / numbers.step) + 1


def _short(number: float, low: float, high: float) -> float:
    """Return the number in four significant digits, which people can type again, where that is between the bounds."""
    short = number if isinstance(number, int) else float(f"{number:.4g}")
    return short if low <= short <= high else number


def proposal_overrides(dimensions: Sequence[Dimension], proposal: Proposal) -> dict[str, str]:
    """Return the value of every swept key in Hydra's grammar, in the order in which the keys were typed."""
    return {
        key: text for dimension in dimensions for key, text in dimension.overrides(proposal[dimension.name]).items()
    }

"""The axes of a sweep: each swept key, or several that ``zip`` walks together, with its values as they were typed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from hydra.core.override_parser.types import Override, RangeSweep

from mlplab.errors import ConfigError
from mlplab.known_keys import known_keys, unknown_key

Bundle = tuple[Override, ...]  # of one axis


@dataclass(frozen=True)
class Axis:
    """One key with its values, or several keys that are walked together.

    Attributes:
        keys: of the config.
        values: of the keys, in Hydra's grammar: the first of each, the second of each, ...
    """

    keys: tuple[str, ...]
    values: Sequence[tuple[str, ...]]


def bundle_overrides(swept: Sequence[Override], zipped: object) -> list[Bundle]:
    """Return the overrides of each axis, in the order in which the first of its keys was typed.

    Nothing is enumerated: what there are too many of can be counted first, by :func:`count_values`.

    Args:
        swept: overrides that have several values, of one key each.
        zipped: the value of ``zip``: a list of keys, or a list of such lists.

    Raises:
        ConfigError: ``zip`` is no such list, or names a key that cannot be walked with the others.
    """
    by_key = {override.key_or_group: override for override in swept}
    companions: dict[str, list[str]] = {}
    for keys in _zipped_keys(zipped):
        _require_same_length(keys, by_key)
        companions |= dict.fromkeys(keys, keys)
    bundles = {key: tuple(by_key[name] for name in companions.get(key, [key])) for key in by_key}
    return list({bundle[0].key_or_group: bundle for bundle in bundles.values()}.values())


def enumerate_axis(bundle: Bundle) -> Axis:
    """Return the axis of these overrides with all its values. Raises ConfigError: one has no list of values."""
    for override in bundle:
        count_values(override)
    columns = [list(override.sweep_string_iterator()) for override in bundle]
    return Axis(tuple(override.get_key_element() for override in bundle), list(zip(*columns, strict=True)))


def count_values(override: Override) -> int:
    """Return how many values a key has; those of a range are not listed. Raises ConfigError: it has no list."""
    if not override.is_discrete_sweep():
        raise ConfigError(
            f"{override.input_line}: a grid takes a list of values, such as learning_rate=0.01,0.1; a search, such as "
            "search=tpe, takes an interval"
        )
    swept = override.value()
    if not isinstance(swept, RangeSweep):
        return sum(1 for _ in override.sweep_iterator())
    start, stop, step = (Decimal(bound or 0) for bound in (swept.start, swept.stop, swept.step))
    if step == 0:
        raise ConfigError(f"{override.input_line}: takes a step other than 0")
    return max(0, ceil((stop - start) / step))


def _zipped_keys(zipped: object) -> list[list[str]]:
    """Return the lists of keys that are walked together. Raises ConfigError."""
    if not zipped:
        return []
    lists = zipped if _are_lists(zipped) else [zipped]
    assert isinstance(lists, Iterable)
    checked = []
    for keys in lists:
        if not isinstance(keys, list) or len(keys) < 2 or not all(isinstance(key, str) for key in keys):
            shown = str(zipped).replace("'", "")
            raise ConfigError(f"zip={shown}: takes two keys or more, such as zip=[hidden_sizes,learning_rate]")
        checked.append(keys)
    for key, times in Counter(key for keys in checked for key in keys).items():
        if key not in known_keys():
            raise ConfigError(f"zip: {unknown_key(key, known_keys())}")
        if times > 1:
            raise ConfigError(f"zip: {key}: is named {times} times; name it once")
    return checked


def _are_lists(zipped: object) -> bool:
    return isinstance(zipped, list) and all(isinstance(keys, list) for keys in zipped)


def _require_same_length(keys: Sequence[str], by_key: dict[str, Override]) -> None:
    for key in keys:
        if key not in by_key:
            raise ConfigError(
                f"zip: {key}: has no list of values to walk; write {key}=VALUE,VALUE, or take it out of zip"
            )
    counts = {key: count_values(by_key[key]) for key in keys}
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{key} has {count:,}" for key, count in counts.items())
        raise ConfigError(f"zip=[{','.join(keys)}]: walks them together, but {said} values; give each as many")

"""One colour per value, the same on every page and in every picture.

The palette is that of Masataka Okabe and Kei Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/:
its colours can be told apart under every common colour blindness.
"""

from collections.abc import Sequence
from math import inf

from mlplab.config import Activation, Engine, Init, Loss, Optimizer, Penalty

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#F0E442")
# The choices of a key have the same colours wherever they appear, whichever of them a sweep tried.
_SLOTS = {
    str(choice): slot
    for choices in (Penalty, Loss, Init, Optimizer, Engine, Activation)
    for slot, choice in enumerate(choices)
}


def color_slots(names: Sequence[str]) -> list[int | None]:
    """Return which colour of the palette each name has: in the order of the values, however the names are ranked.

    None for all where there are more names than colours.
    """
    if len(names) > len(OKABE_ITO):
        return [None] * len(names)
    if all(name in _SLOTS for name in names) and len({_SLOTS[name] for name in names}) == len(names):
        return [_SLOTS[name] for name in names]
    place = {name: slot for slot, name in enumerate(sorted(set(names), key=_natural))}
    return [place[name] for name in names]


def run_colors(names: Sequence[str]) -> list[str | None]:
    """Return the colour of each run by the name of its group, as the page of their comparison has it.

    None for all where there are more groups than colours.
    """
    groups = list(dict.fromkeys(names))
    slots = dict(zip(groups, color_slots(groups), strict=True))
    return [None if (slot := slots[name]) is None else OKABE_ITO[slot] for name in names]


def _natural(name: str) -> list[tuple[str, float, str]]:
    """Return what sorts ``lr=0.1`` before ``lr=1``, and words by the alphabet."""
    parts = []
    for word in name.split():
        key, _, value = word.rpartition("=")
        try:
            parts.append((key, float(value), ""))
        except ValueError:
            parts.append((key, inf, value))
    return parts

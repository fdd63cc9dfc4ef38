"""Names and colours of the groups on a page, and which of them its charts show at first."""

from collections.abc import Sequence
from html import escape

import numpy as np

from mlplab.colors import OKABE_ITO, color_slots

MOST_SHOWN = len(OKABE_ITO)
LONGEST = 32  # characters of a name in a chart


class Palette:
    """Of the groups of these names, best first.

    Attributes:
        full: the names as they are, for text.
        names: short ones, escaped, for Plotly's labels, which read HTML.
        slots: which colour of the palette each has; None where the groups are too many for that.
        shown: places of the groups that are in colour at first: all, or the best two, which the verdict is about, and
            some from there to the worst.
    """

    def __init__(self, names: Sequence[str]) -> None:
        """Give colours out by value, and not by rank."""
        self.full = list(names)
        self.names = [escape(name) for name in shorten_names(names)]
        self.slots = color_slots(names)
        self.shown = _shown_at_first(len(names))

    def entries(self) -> list[dict[str, object]]:
        """Return what the page's script needs to know of each group."""
        shorts = shorten_names(self.full)
        return [
            {"name": name, "short": short, "slot": slot, "selected": place in self.shown}
            for place, (name, short, slot) in enumerate(zip(self.full, shorts, self.slots, strict=True))
        ]


def _shown_at_first(count: int) -> set[int]:
    if count <= MOST_SHOWN:
        return set(range(count))
    return {0, *(int(place) for place in np.linspace(1, count - 1, MOST_SHOWN - 1).round())}


def shorten_names(names: Sequence[str]) -> list[str]:
    """Return the names without the words that all of them have, and without the middle of what is still too long.

    A list of layers needs no key.

    >>> shorten_names(["relu data=a", "tanh data=a"]), shorten_names(["hidden_sizes=[8, 4]", "hidden_sizes=[8]"])
    (['relu', 'tanh'], ['[8,4]', '[8]'])
    """
    words = [name.replace(", ", ",").replace("hidden_sizes=[", "[").split(" ") for name in names]
    common = set.intersection(*map(set, words)) if len(words) > 1 else set()
    own = [
        " ".join(word for word in parts if word not in common) or name
        for parts, name in zip(words, names, strict=True)
    ]
    shorts = [_without_middle(name) for name in own]
    return shorts if len(set(shorts)) == len(set(own)) else own


def _without_middle(name: str) -> str:
    half = LONGEST // 2
    return name if len(name) <= LONGEST else f"{name[:half]}…{name[-half + 1 :]}"

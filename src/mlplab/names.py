"""Short names for the runs of a comparison: only what varies, such as ``relu lr=0.01``."""

from collections.abc import Mapping

# Keys that are left out: their values speak for themselves.
_SELF_EXPLANATORY = {"engine", "activation", "init", "optimizer", "data", "data.name", "dtype"}
_SHORT = {"learning_rate": "lr", "learning_rate_decay": "decay", "weight_decay": "wd", "batch_size": "batch"}


def member_name(varying: Mapping[str, str]) -> str:
    """Return the name of a run, or a group of runs, with these values of the keys that vary.

    >>> member_name({"activation": "relu", "learning_rate": "0.01"})
    'relu lr=0.01'
    """
    parts = [
        value if key in _SELF_EXPLANATORY else f"{_SHORT.get(key, key)}={_short_number(value)}"
        for key, value in varying.items()
    ]
    return " ".join(parts)


def _short_number(value: str) -> str:
    try:
        return value if value.isdigit() else f"{float(value):g}"
    except ValueError:
        return value

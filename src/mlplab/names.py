"""Names of runs that are compared: what varies and nothing else, such as ``relu lr=0.01``."""

from collections.abc import Mapping

# A value that says by itself what it is needs no key before it.
_SPEAKING = {"engine", "activation", "init", "optimizer", "data", "data.name", "dtype"}
_SHORT = {"learning_rate": "lr", "learning_rate_decay": "decay", "weight_decay": "wd", "batch_size": "batch"}


def member_name(varying: Mapping[str, str]) -> str:
    """Return the name of what has these values of the keys that vary.

    >>> member_name({"activation": "relu", "learning_rate": "0.01"})
    'relu lr=0.01'
    """
    parts = [
        value if key in _SPEAKING else f"{_SHORT.get(key, key)}={_short_number(value)}"
        for key, value in varying.items()
    ]
    return " ".join(parts)


def _short_number(value: str) -> str:
    try:
        return value if value.isdigit() else f"{float(value):g}"
    except ValueError:
        return value

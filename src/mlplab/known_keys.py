"""The keys of a config by name, and what is said of one that there is not."""

import difflib
from collections.abc import Sequence
from dataclasses import fields

from mlplab import config
from mlplab.selection_config import EarlyStoppingConfig
from mlplab.tracking_config import TrackingConfig


def known_keys() -> list[str]:
    """Return every key that there is, such as ``data.root``; of a group also its name."""
    schemas = {
        "": config.TrainConfig,
        "early_stopping.": EarlyStoppingConfig,
        "data.": config.DataConfig,
        "tracking.": TrackingConfig,
    }
    return [prefix + field.name for prefix, schema in schemas.items() for field in fields(schema)]


def unknown_key(key: str, known: Sequence[str]) -> str:
    """Return the message about a key that there is not among the known ones."""
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{key}: no such key; {hint}`--help` explains every key"

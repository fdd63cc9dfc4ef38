"""A config as one level of keys, such as ``data.root``: what MLflow, manifests and fingerprints hold."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import Any

from mlplab.config import CARRYING_OUT, MAKING_UP, TrainConfig
from mlplab.network_config import OF_MLP, flat_network


def flatten(config: TrainConfig) -> dict[str, Any]:
    """Return every key that describes the run, and its value: ``{"engine": "numpy", "data.root": ...}``.

    Nested keys are joined by a dot; keys that only say how to carry it out, or how a sweep comes about, and people's
    own words are left out; and those of the mlp where the network is another.
    """
    rest = asdict(config)
    network = rest.pop("network")
    apart = {*CARRYING_OUT, *MAKING_UP, *(() if config.has_mlp else OF_MLP)}
    leaves = {key: value for key, value in _leaves(rest, prefix="") if key not in apart and not is_words(key)}
    return {**leaves, **flat_network(network)}


def is_words(key: str) -> bool:
    """Tell whether a key has people's own words about a run: a tag, or its note."""
    return key == "note" or key.startswith("tags.")


def words_of(config: TrainConfig) -> dict[str, Any]:
    """Return people's own words about the run by key: ``{"tags.team": "vision", "note": "..."}``."""
    return {key: value for key, value in _leaves(asdict(config), prefix="") if is_words(key) and value is not None}


def _leaves(node: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, str(value) if isinstance(value, StrEnum) else value

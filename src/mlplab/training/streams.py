"""The random generators of a run."""

from typing import NamedTuple

import numpy as np


class RandomStreams(NamedTuple):
    """Three independent generators from one seed: drawing more from one does not change the others."""

    splits: np.random.Generator
    weights: np.random.Generator
    batches: np.random.Generator


def random_streams(seed: int) -> RandomStreams:
    """Return the generators of a run."""
    return RandomStreams(*map(np.random.default_rng, np.random.SeedSequence(seed).spawn(3)))

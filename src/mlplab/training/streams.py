"""Where the randomness of a run comes from."""

from typing import NamedTuple

import numpy as np


class RandomStreams(NamedTuple):
    """Three independent generators from one seed: one can change what it draws without changing the others."""

    splits: np.random.Generator
    weights: np.random.Generator
    batches: np.random.Generator


def random_streams(seed: int) -> RandomStreams:
    """Return the generators of a run."""
    return RandomStreams(*map(np.random.default_rng, np.random.SeedSequence(seed).spawn(3)))

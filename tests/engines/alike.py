"""Batches, and whether two engines are in the same state: of the tests of engines of other networks than the mlp."""

import numpy as np

from mlplab.engines.base import Engine


def batches(count: int) -> list[np.ndarray]:
    """So many batches of 32 of 200 rows."""
    rng = np.random.default_rng(3)
    return [rng.integers(0, 200, 32) for _ in range(count)]


def assert_alike(one: Engine, other: Engine) -> None:
    """Every number of their states is equal bit by bit."""
    expected, state = one.state(), other.state()
    assert state.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(state[name], array, err_msg=name)

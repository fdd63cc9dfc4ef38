"""Products that overwrite an array or add to it, for any memory layout of the factors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplab.scratch.products import product

sizes = st.integers(1, 40)


@given(m=sizes, n=sizes, o=sizes, transposed=st.tuples(st.booleans(), st.booleans()), single=st.booleans())
def test_product_equals_numpys(m: int, n: int, o: int, transposed: tuple[bool, bool], single: bool) -> None:
    rng = np.random.default_rng(m + 41 * n + 1681 * o)
    dtype = np.float32 if single else np.float64
    a, b, out = (rng.normal(size=shape).astype(dtype) for shape in [(m, n), (n, o), (m, o)])
    stored_a = np.ascontiguousarray(a.T).T if transposed[0] else a
    stored_b = np.ascontiguousarray(b.T).T if transposed[1] else b
    expected = 0.5 * out - 2.0 * (a @ b)
    assert product(stored_a, stored_b, out, scale=-2.0, keep=0.5) is out
    np.testing.assert_allclose(out, expected, rtol=1e-4 if single else 1e-10, atol=1e-4 if single else 1e-10)


def test_without_keep_the_old_output_does_not_matter() -> None:
    out = np.full((2, 2), np.nan)
    np.testing.assert_array_equal(product(np.eye(2), np.eye(2), out), np.eye(2))


@pytest.mark.parametrize("out", [np.empty((2, 3)).T, np.empty((3, 3)), np.empty((6, 2))[::2]])
def test_an_output_that_blas_cannot_write_into_is_refused(out: np.ndarray) -> None:
    with pytest.raises(ValueError, match="out must be C-contiguous and of the product's shape"):
        product(np.ones((3, 4)), np.ones((4, 2)), out)

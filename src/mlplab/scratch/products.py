"""Matrix products that overwrite an existing array, or add to it.

NumPy's ``matmul`` can only overwrite its output. BLAS, which NumPy calls too, can also add to it: a gradient goes
directly into the weights, and each core updates the part that it computed. With a separate pass for the update a step
takes 1.1 to 1.5 times as long: longer, the farther apart the cores are. Every product uses SciPy's BLAS, because
NumPy's has threads of its own, and the two pools would wait for each other's cores.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import daxpy, dgemm, saxpy, sgemm

Floats = NDArray[np.floating]

_GEMM: dict[np.dtype[Any], Any] = {np.dtype(np.float32): sgemm, np.dtype(np.float64): dgemm}
_AXPY: dict[np.dtype[Any], Any] = {np.dtype(np.float32): saxpy, np.dtype(np.float64): daxpy}


def product(a_MN: Floats, b_NO: Floats, out_MO: Floats, scale: float = 1.0, keep: float = 0.0) -> Floats:
    """Compute ``out <- keep * out + scale * (a @ b)`` in place, and return ``out``.

    All three are float32, or all float64. ``a`` and ``b`` are C-contiguous or the transpose of such an array.

    Raises:
        ValueError: ``out`` is not C-contiguous, or not of the shape (M, O).
    """
    if not out_MO.flags.c_contiguous or out_MO.shape != (len(a_MN), b_NO.shape[1]):
        raise ValueError("out must be C-contiguous and of the product's shape: otherwise BLAS would write into a copy")
    # BLAS stores columns first, so it sees our arrays as their transposes; (a b)^T = b^T a^T.
    b, b_is_transposed = _as_blas_sees_it(b_NO)
    a, a_is_transposed = _as_blas_sees_it(a_MN)
    gemm = _GEMM[out_MO.dtype]
    gemm(scale, b, a, keep, out_MO.T, b_is_transposed, a_is_transposed, overwrite_c=True)
    return out_MO


def add(x: Floats, out: Floats, scale: float) -> None:
    """Compute ``out += scale * x`` in place, in one pass and without a temporary array.

    Both have the same shape and dtype, float32 or float64, and are C-contiguous.
    """
    _AXPY[out.dtype](x.reshape(-1), out.reshape(-1), a=scale)


def _as_blas_sees_it(array: Floats) -> tuple[Floats, bool]:
    return (array.T, False) if array.flags.c_contiguous else (array, True)

"""As many threads as a launcher granted CPUs: more would wait for each other's cores."""

import os

VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def limit_threads(count: int) -> None:
    """Let matrix products use so many threads from now on: of NumPy, and of PyTorch when it is imported."""
    for name in VARIABLES:
        os.environ[name] = str(count)
    from threadpoolctl import threadpool_limits  # it changes the environment when it is imported

    threadpool_limits(count)

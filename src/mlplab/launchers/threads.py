"""As many threads as a launcher granted CPUs: more would wait for each other's cores."""

from threadpoolctl import threadpool_limits


def limit_threads(count: int) -> None:
    """Let matrix products of NumPy, and PyTorch where it is imported already or later, use so many threads.

    For the life of the process.
    """
    import os

    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(count)  # of libraries that are loaded later
    threadpool_limits(count)

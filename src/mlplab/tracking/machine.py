"""What computed a run, besides its code: two machines may differ in the last bits although all else is the same."""

import platform
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from threadpoolctl import threadpool_info

from mlplab.schema import ATEN_TAG, BLAS_TAG, CPU_TAG, GPU_TAG

_CPU_FACTS = Path("/proc/cpuinfo")


def machine_tags(libraries: Sequence[str], device: str) -> dict[str, str]:
    """Return the tags that say what computes here, as far as these libraries and this device have it.

    Libraries choose among their own kernels by the CPU: of BLAS it is the one in use (OpenBLAS: Haswell, SkylakeX),
    of PyTorch the instructions that it uses (AVX2, AVX512).
    """
    tags = {CPU_TAG: cpu_model(), BLAS_TAG: blas_kernels()}
    if "torch" in libraries:
        import torch

        tags[ATEN_TAG] = torch.backends.cpu.get_cpu_capability()
        if device == "cuda":
            tags[GPU_TAG] = torch.cuda.get_device_name()
    return tags


@cache
def cpu_model() -> str:
    """Return the type of the CPU in the maker's words; where only the system's are known, in those."""
    if _CPU_FACTS.is_file():
        for line in _CPU_FACTS.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def blas_kernels() -> str:
    """Return library, version and kernel of each BLAS that is loaded, such as ``openblas 0.3.31 SkylakeX``."""
    import scipy.linalg.blas  # noqa: F401 - whichever else is imported, NumPy's and SciPy's are both loaded

    found = {
        " ".join(str(pool[key]) for key in ("internal_api", "version", "architecture") if pool.get(key))
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    }
    return ", ".join(sorted(found)) or "none that threadpoolctl knows"

"""A run says what computed it."""

import torch

from mlplab.config import Engine
from mlplab.engines.registry import ENGINES
from mlplab.schema import ATEN_TAG, BLAS_TAG, CPU_TAG, is_own_tag
from mlplab.tracking.machine import machine_tags


def test_every_engine_records_cpu_and_blas_and_torch_its_kernels() -> None:
    for engine in Engine:
        libraries = ENGINES[engine].libraries
        tags = machine_tags(libraries, "cpu")
        assert set(tags) == {CPU_TAG, BLAS_TAG} | ({ATEN_TAG} if "torch" in libraries else set())
        assert all(tags.values())
        assert all(map(is_own_tag, tags))
    assert machine_tags(["torch"], "cpu")[ATEN_TAG] == torch.backends.cpu.get_cpu_capability()


def test_the_kernel_is_named_whatever_is_imported() -> None:
    """NumPy's BLAS and SciPy's are both named, so that two runs differ by the machine alone."""
    assert machine_tags(["numpy"], "cpu")[BLAS_TAG] == machine_tags(["torch"], "cpu")[BLAS_TAG]

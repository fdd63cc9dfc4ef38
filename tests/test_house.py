"""Imports run downwards: who may know whom."""

import ast
import sys
from pathlib import Path

import pytest

from conftest import PROJECT

PACKAGE = PROJECT / "src" / "mlplab"
FORBIDDEN = {
    "scratch": {"hydra", "omegaconf", "mlflow", "torch", "mlplab.config", "mlplab.engines", "mlplab.data"},
    "engines": {"hydra", "omegaconf", "mlflow", "mlplab.tracking", "mlplab.experiment"},
    "data": {"hydra", "omegaconf", "mlflow", "mlplab.tracking", "mlplab.engines"},
    "schedule.py": {"hydra", "omegaconf", "mlflow", "torch", "mlplab.engines", "mlplab.tracking"},
    "training.py": {"hydra", "omegaconf", "mlflow", "torch", "mlplab.tracking"},
    "comparison": {"hydra", "mlplab.engines", "mlplab.training", "mlplab.composition", "mlplab.sweeps"},
    "tracking": {"hydra", "omegaconf", "mlplab.engines", "mlplab.training", "mlplab.composition"},
}


def files(place: str) -> list[Path]:
    path = PACKAGE / place
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def imported(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("place", FORBIDDEN)
def test_no_room_knows_what_stands_above_it(place: str) -> None:
    for file in files(place):
        for name in imported(file):
            assert not any(name == other or name.startswith(f"{other}.") for other in FORBIDDEN[place]), (file, name)


def test_the_scratch_library_is_numpy_and_scipys_blas() -> None:
    for file in files("scratch"):
        roots = {name.partition(".")[0] for name in imported(file)} - set(sys.stdlib_module_names)
        assert roots <= {"numpy", "mlplab", "scipy"}, file
        assert not any(
            name.startswith("scipy") and not name.startswith("scipy.linalg.blas") for name in imported(file)
        )


def test_files_and_functions_are_small() -> None:
    for file in files("."):
        source = file.read_text(encoding="utf-8")
        assert source.count("\n") <= 260, file
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                assert not body or body[-1].end_lineno - body[0].lineno < 40, (file, node.name)  # type: ignore[operator]

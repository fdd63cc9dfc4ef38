"""The rules of the house: which room may reach which, even indirectly, and the largest size of files and functions."""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from conftest import PROJECT

SOURCE = PROJECT / "src"
PACKAGE = SOURCE / "mlplab"
GROUND = "ground floor"  # the files beside the rooms

TRAINING = {"scratch", "data", "engines", "training", "store", "tracking"}  # what one run needs
SWEEPING = TRAINING | {"comparison", "models", "page", "launchers"}
REPRODUCING = SWEEPING | {"sweeps", "run"}
# What each room may reach, directly or through others. Every room may use the ground floor.
MAY_REACH = {
    GROUND: set(),
    "scratch": set(),
    "data": set(),
    "engines": {"scratch", "data"},
    "training": {"scratch", "data", "engines"},
    "store": set(),
    "tracking": {"store"},
    "comparison": {"store", "tracking"},
    "models": {"scratch", "data", "engines", "store", "tracking", "comparison"},
    "page": {"store", "tracking", "comparison", "data"},
    "migration": {"store", "tracking"},
    "run": TRAINING,
    "rerun": TRAINING | {"comparison", "run"},
    "launchers": set(),
    "sweeps": SWEEPING,
    "reproduction": REPRODUCING,
    "app": REPRODUCING | {"reproduction", "rerun", "migration"},
}
# Libraries that only certain rooms may import.
MAY_IMPORT = {
    "hydra": {"launchers", "sweeps", "reproduction", "app"},
    "ray": {"launchers"},
    "submitit": {"launchers"},
    "optuna": {"sweeps"},
    "simpleeval": {"sweeps"},
    "mlflow": {"store", "tracking", "migration", "comparison", "models", "sweeps", "reproduction", "rerun"},
    "omegaconf": {"run", "launchers", "sweeps", "reproduction", "rerun", "app"},
    "torch": {"engines", "data", "tracking", "models"},
    "torchvision": {"data"},
    "plotly": {"page"},
    "matplotlib": {"run"},
    "onnx": {"engines"},
    "onnxruntime": {"models"},
    "starlette": {"models"},
    "uvicorn": {"models"},
    "pandas": {"comparison", "models", "page", "reproduction", "app", "data", "tracking"},
}


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def module_name(file: Path) -> str:
    parts = file.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and (PACKAGE / parts[1]).is_dir() else GROUND


def imported(file: Path) -> set[str]:
    """Every module that a file imports, at its top or in a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {name for name in inner if (SOURCE / name.replace(".", "/")).with_suffix(".py").exists()}
            names |= modules | (inner - modules and {node.module})
    return names


MODULES = {module_name(file): file for file in files()}
IMPORTS = {name: {other for other in imported(file) if other in MODULES} for name, file in MODULES.items()}


def reached(module: str) -> set[str]:
    """Every module that this one imports, directly or through others."""
    seen, waiting = set(), [module]
    while waiting:
        for other in IMPORTS[waiting.pop()]:
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return seen


def test_every_room_has_its_rules() -> None:
    assert {room_of(module) for module in MODULES} == set(MAY_REACH)


@pytest.mark.parametrize("room", MAY_REACH)
def test_a_room_reaches_only_its_permitted_rooms_even_indirectly(room: str) -> None:
    for module in MODULES:
        if room_of(module) == room:
            rooms = {room_of(other) for other in reached(module)}
            assert rooms <= MAY_REACH[room] | {room, GROUND}, module


@pytest.mark.parametrize("library", MAY_IMPORT)
def test_a_library_is_imported_only_in_its_rooms(library: str) -> None:
    importing = {room_of(name) for name, file in MODULES.items() if library in roots(file)}
    assert importing <= MAY_IMPORT[library]


def roots(file: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(file)} - set(sys.stdlib_module_names)


def test_no_module_imports_itself_through_others() -> None:
    assert not [module for module in MODULES if module in reached(module)]


def test_scratch_imports_only_numpy_and_two_parts_of_scipy() -> None:
    for file in (PACKAGE / "scratch").glob("*.py"):
        assert roots(file) <= {"numpy", "mlplab", "scipy"}, file
        scipy = {name for name in imported(file) if name.startswith("scipy")}
        assert all(name.startswith(("scipy.linalg.blas", "scipy.special")) for name in scipy), file


def test_every_room_says_what_lives_there_who_enters_and_what_to_read_first() -> None:
    for room in set(MAY_REACH) - {GROUND}:
        text = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text(encoding="utf-8"))) or ""
        assert len(text.splitlines()) >= 3, room
        assert re.search(r"\benters? here\b", text), room
        assert re.search(r"\b[Rr]ead\b", text), room


def test_tests_mirror_the_rooms() -> None:
    rooms = {path.name for path in (PROJECT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms == set(MAY_REACH) - {GROUND} | {"cluster", "faults", "fuzz"}  # of the whole house


def definitions(file: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            yield node


def test_files_and_functions_are_small() -> None:
    for file in files():
        assert file.read_text(encoding="utf-8").count("\n") <= 250, file
        for node in definitions(file):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            assert not body or body[-1].end_lineno - body[0].lineno < 40, (file, node.name)  # type: ignore[operator]


def test_a_public_function_has_a_name_of_its_own() -> None:
    names = Counter(
        node.name
        for file in files()
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == ["main"]  # one for each command


def test_a_file_has_a_name_of_its_own() -> None:
    names = Counter(file.name for file in files() if file.name != "__init__.py")
    assert [name for name, count in names.items() if count > 1] == []


def test_only_public_names_of_other_libraries_are_used() -> None:
    """No module and no attribute that begins with an underscore."""
    for file in [*files(), *(SOURCE / "hydra_plugins").rglob("*.py")]:
        assert not [name for name in imported(file) if re.search(r"\._[a-z]", name) and "mlplab" not in name], file
        tree = ast.parse(file.read_text(encoding="utf-8"))
        own = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)} | {"self", "cls", "os"}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and re.match(r"_[a-z]", node.attr):
                root = node.value
                assert isinstance(root, ast.Name), (file, node.attr)
                assert root.id in own, (file, root.id, node.attr)


def test_every_imported_library_is_declared() -> None:
    import tomllib

    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[=<>]", text)[0].lower() for text in project["dependencies"]}
    distributions = packages_distributions()
    for extra in ("onnx", "ray", "search", "slurm"):
        declared |= {re.split(r"[=<>]", text)[0].lower() for text in project["optional-dependencies"][extra]}
    for file in files():
        for root in roots(file) - {"mlplab"}:
            assert {name.lower() for name in distributions[root]} & declared, (file, root)


def test_importing_changes_nothing_outside_mlplab() -> None:
    """No environment variable, signal handler or switch of the interpreter: a notebook keeps its own."""
    import subprocess

    code = """
import gc, os, signal, logging
def state():
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    return dict(os.environ), handlers, gc.isenabled(), logging.getLogger("urllib3.connectionpool").level
before = state()
import mlplab.app.api
import mlplab.app.train, mlplab.app.compare, mlplab.app.reproduce, mlplab.app.task, mlplab.sweeps.grid_sweep
assert state() == before, (before, state())
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)

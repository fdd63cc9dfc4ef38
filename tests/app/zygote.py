"""Starts the real command many times without the cost of its imports: each run is a fork of this process.

python zygote.py ROOT    reads lines of JSON {"arguments": [...], ...}, see Order, and answers each with the exit
                         status of a child that ran the command; -9: killed
"""

import contextlib
import ctypes
import functools
import importlib
import json
import os
import runpy
import signal
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

root = Path(sys.argv[1])
os.chdir(root)
sys.path.insert(0, str(root / "src"))

from mlplab import environment

environment.prepare_command()  # before MLflow, which reads the variables on import
import matplotlib.figure  # noqa: F401
import mlflow.pyfunc
import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
import sklearn.datasets
import sklearn.model_selection  # noqa: F401
import torch  # noqa: F401

import mlplab.run.pipeline

import mlplab.page.comparison_page  # isort: skip
import mlplab.sweeps.execution
import mlplab.sweeps.plan_table  # noqa: F401
from mlplab.engines import numpy_engine  # noqa: F401


def kill_at(place: str, count: int) -> None:
    module, _, name = place.rpartition(".")
    try:
        owner: Any = importlib.import_module(module)
    except ModuleNotFoundError:
        package, _, cls = module.rpartition(".")
        owner = getattr(importlib.import_module(package), cls)
    original = getattr(owner, name)
    calls = 0

    @functools.wraps(original)
    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **keywords)

    setattr(owner, name, wrapper)


@dataclass
class Order:
    """One command.

    Attributes:
        arguments: of the command.
        command: train, compare, ...: a script in src/.
        die_at: the child sends itself SIGKILL when the place, a dotted name, is called for the N-th time.
        environment: the whole of it; None: this process's.
        variables: to change in it; None: unset.
        folder: of the project that the child works in, a copy of this one; None: this one.
        stdout: the file that standard output goes to; None: it is closed.
        stderr: likewise.
        encoding: of both.
        obeys_permissions: whether they bind the child even if root started it.
        seconds: after which the child gets SIGALRM, which ends it; 0: never.
    """

    arguments: list[str]
    command: str = "train"
    die_at: tuple[str, int] | None = None
    environment: dict[str, str] | None = None
    variables: dict[str, str | None] = field(default_factory=dict)
    folder: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    encoding: str = "utf-8"
    obeys_permissions: bool = False
    seconds: int = 0


def redirect(number: int, path: str | None, encoding: str) -> Any:
    """Return what ``sys.stdout`` or ``sys.stderr`` is when Python starts with its descriptor opened to ``path``."""
    if path is None:
        os.close(number)
        return None
    with Path(path).open("ab") as file:
        os.dup2(file.fileno(), number)
    errors = "strict" if number == 1 else "backslashreplace"
    return open(number, "w", buffering=1, encoding=encoding, errors=errors, closefd=False)


def move_to(folder: Path) -> None:
    """Work in a copy of the project, as if everything had been imported from there."""
    os.chdir(folder)
    sys.path[:] = [place.replace(str(root), str(folder)) for place in sys.path]
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] != "mlplab":
            continue
        for key, value in list(vars(module).items()):
            if isinstance(value, Path) and value.is_relative_to(root):
                setattr(module, key, folder / value.relative_to(root))
            elif isinstance(value, str) and str(root) in value:
                setattr(module, key, value.replace(str(root), str(folder)))


def obey_permissions() -> None:
    """Give up every capability: root is then stopped by the mode of a file, as its owner is."""
    header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()  # see capset(2)
    if ctypes.CDLL(None, use_errno=True).capset(header, none):
        raise OSError(ctypes.get_errno(), "capset")


def run(order: Order) -> None:
    if order.die_at is not None:
        kill_at(*order.die_at)
    sys.stdout = redirect(1, order.stdout, order.encoding)
    sys.stderr = redirect(2, order.stderr, order.encoding)
    if order.environment is not None:
        os.environ.clear()
        os.environ.update(order.environment)
    for name, value in order.variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    if order.folder is not None:
        move_to(Path(order.folder))
    if order.obeys_permissions:
        obey_permissions()
    signal.alarm(order.seconds)
    sys.argv = [f"src/{order.command}.py", *order.arguments]
    sys.orig_argv = [sys.executable, *sys.argv]  # with which a command begins again
    runpy.run_path(sys.argv[0], run_name="__main__")


for line in sys.stdin:
    order = Order(**json.loads(line))
    child = os.fork()
    if child == 0:
        status = 1
        try:
            run(order)
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(OSError, AttributeError):  # as at the end of every process
                sys.stdout.flush()
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    sys.__stdout__.write(f"{os.waitstatus_to_exitcode(ended)}\n")
    sys.__stdout__.flush()

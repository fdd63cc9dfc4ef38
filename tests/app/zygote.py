"""Starts the real command many times without the cost of its imports: each run is a fork of this process.

    python zygote.py ROOT    reads lines of JSON {"arguments": [...], "die_at": [PLACE, N] or null}, and answers each
                             with the exit status of a child that ran ``src/train.py``; -9: killed

``die_at``: the child sends itself SIGKILL when PLACE, a dotted name, is called for the N-th time.
"""

import functools
import importlib
import json
import os
import runpy
import signal
import sys
from pathlib import Path
from typing import Any

root = Path(sys.argv[1])
os.chdir(root)
sys.path.insert(0, str(root / "src"))

from mlplab import environment

environment.prepare_command()  # before MLflow, which reads the variables on import
import mlflow.pyfunc
import mlflow.store.tracking.sqlalchemy_store  # noqa: F401

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


def run(arguments: list[str], die_at: list[Any] | None) -> None:
    if die_at is not None:
        kill_at(*die_at)
    with Path("child.log").open("a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    sys.argv = ["src/train.py", *arguments]
    runpy.run_path("src/train.py", run_name="__main__")


for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            run(**order)
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        finally:
            sys.stdout.flush()
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    sys.__stdout__.write(f"{os.waitstatus_to_exitcode(ended)}\n")
    sys.__stdout__.flush()

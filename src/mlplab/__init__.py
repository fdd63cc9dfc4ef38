"""mlplab: a lab bench for multi-layer perceptrons.

``mlplab.train`` and ``mlplab.sweep`` are the commands as functions. They load on first use: importing this is cheap.
"""

from importlib import import_module
from typing import Any

__all__ = ["sweep", "train"]  # their types stand in __init__.pyi


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("mlplab.app.api"), name)
    raise AttributeError(f"module 'mlplab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]

"""How people type a command of this project: a script of the checkout, or the installed ``mlplab``."""

import re

from mlplab.paths import CHECKOUT

_SCRIPT = re.compile(r"python src/(\w+)\.py")
_MAKE = re.compile(r" +or: make \w+")


def typed_command(name: str) -> str:
    """Return what to type: ``python src/train.py`` or ``mlplab train``."""
    return as_typed(f"python src/{name}.py")


def as_typed(text: str) -> str:
    """Return a text that names scripts of the checkout, such as a command's help, as people can type it here."""
    return text if CHECKOUT is not None else _MAKE.sub("", _SCRIPT.sub(r"mlplab \1", text))


def install_command(extra: str) -> str:
    """Return what installs the packages of an extra."""
    return f"pip install '{'mlplab' if CHECKOUT is None else '.'}[{extra}]'"

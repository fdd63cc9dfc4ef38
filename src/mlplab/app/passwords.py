"""No password that is typed, or written into conf/, reaches Hydra's files, a record or a child's command line."""

import os
import sys
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from mlplab.store.uri import hide_password, public

_VARIABLE = "MLFLOW_TRACKING_URI"
_KEYS = ("tracking.uri", "uri", "from", "to")  # the second is what compare.py takes, too; the others are migrate.py's


def hide_typed_passwords() -> None:
    """Take the passwords out of the arguments and the variable that name the store."""
    typed = [_key(text) in _KEYS for text in sys.argv]
    hide_password_of_variable(is_used=not any(typed))
    sys.argv[:] = [
        _without_password(text) if names_store else text for text, names_store in zip(sys.argv, typed, strict=True)
    ]


def hide_password_of_variable(is_used: bool) -> None:
    """Take the password out of the variable that names the store; keep it for MLflow's client if the store is used."""
    if uri := os.environ.get(_VARIABLE):
        # The password of a store that is not used must not go to the one that was typed.
        os.environ[_VARIABLE] = hide_password(uri) if is_used else public(uri)


def _key(text: str) -> str:
    return text.partition("=")[0].lstrip("+")


def _without_password(text: str) -> str:
    key, _, value = text.partition("=")
    mark = value[:1] if value[:1] in ("'", '"') and value[:1] == value[-1:] else ""
    return f"{key}={mark}{hide_password(value.strip(mark) if mark else value)}{mark}"


class HidePassword(Callback):
    """Takes the password out of a URI that was written into conf/, before Hydra writes the config to a file."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Called before a single run. (A sweep gives its members the URI without its password.)"""
        tracking = config.get("tracking")
        if isinstance(tracking, DictConfig) and not OmegaConf.is_interpolation(tracking, "uri"):
            uri = tracking.get("uri")
            if isinstance(uri, str):
                tracking.uri = hide_password(uri)

"""URIs of stores: the default one, and what can be told from the text alone."""

import re
from pathlib import Path

from mlplab.paths import PROJECT_ROOT

SQLITE = "sqlite:///"
DEFAULT_URI = f"{SQLITE}{PROJECT_ROOT / 'mlflow.db'}"
DEFAULT_EXPERIMENT = "mlplab"  # as in conf/train.yaml


def public(uri: str) -> str:
    """Return the URI without a user name and password, for messages and records."""
    return re.sub(r"//[^/@]*@", "//", uri)


def sqlite_path(uri: str) -> str | None:
    """Return the file of a SQLite URI; None for any other store."""
    return str(Path(uri.removeprefix(SQLITE)).absolute()) if uri.startswith(SQLITE) else None


def is_server(uri: str) -> bool:
    """Tell whether a server answers there, over HTTP."""
    return uri.startswith(("http://", "https://"))


def exists(uri: str) -> bool:
    """Tell whether there may be a store: False for a SQLite file that does not exist."""
    path = sqlite_path(uri)
    return path is None or Path(path).exists()

"""URIs of stores: the default one, what can be told from the text alone, and passwords, which nothing may show.

A command moves the password out of the URI before anything reads it: MLflow's client takes it from variables of the
environment, which the processes of a launcher inherit. What is recorded is the URI without it.
"""

import logging
import os
import re
from pathlib import Path
from urllib.parse import quote, unquote

from mlplab.paths import PROJECT_ROOT

SQLITE = "sqlite:///"
DEFAULT_URI = f"{SQLITE}{PROJECT_ROOT / 'mlflow.db'}"
DEFAULT_EXPERIMENT = "mlplab"  # as in conf/train.yaml

_USERNAME, _PASSWORD, _TOKEN = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"
_WHOLE = "MLPLAB_DATABASE_URI"  # of a database, whose driver takes the password from the URI alone
_LEAST = 6  # a shorter password is a part of ordinary words, which would all vanish

# User and password end at the last @ before the path; a password with a slash in it at the last @ of all.
_USER = re.compile(r"""://([^/?#\s"'<>]*|[^/?#\s"'<>@:]*:(?!\d*(?:[/?#]|$))[^\s"'<>]*)@""")
_PARAMETER = re.compile(r"""([?&](?:\w*password|passwd|pwd|token)=)([^&#\s"'<>]+)""", re.IGNORECASE)


def public(text: str) -> str:
    """Return the text without the passwords that it shows: those in URIs, and those that MLflow's variables hold."""
    text = _without_password(text)
    for secret in _secrets():
        text = text.replace(secret, "***")
    return text


def _without_password(text: str) -> str:
    return _PARAMETER.sub(r"\1***", _USER.sub("://", text))


def _secrets() -> list[str]:
    """Return the passwords in the environment, longest first, also as a URI writes them."""
    whole = os.environ.get(_WHOLE, "")
    known = [os.environ.get(_PASSWORD, ""), os.environ.get(_TOKEN, ""), _user_and_password(whole)[1]]
    known += [unquote(value) for _, value in _PARAMETER.findall(whole)]
    written = {form for secret in known for form in (secret, quote(secret, safe=""))}
    return sorted((secret for secret in written if len(secret) >= _LEAST), key=len, reverse=True)


def hide_password(uri: str) -> str:
    """Return the URI without user and password, which the store is still opened with, here and in child processes."""
    shown = _without_password(uri)
    if shown == uri:
        return uri
    if is_server(uri):
        user, password = _user_and_password(uri)
        if password:  # without one, a client sends no user either
            os.environ[_USERNAME], os.environ[_PASSWORD] = user, password
    else:
        os.environ[_WHOLE] = uri
    return shown


def with_password(uri: str) -> str:
    """Return the URI to open the store with, from the one that :func:`hide_password` returned."""
    whole = os.environ.get(_WHOLE, "")
    return whole if _without_password(whole) == uri else uri


def _user_and_password(uri: str) -> tuple[str, str]:
    found = _USER.search(uri)
    user, _, password = found[1].partition(":") if found else ("", "", "")
    return unquote(user), unquote(password)


class PublicFormatter(logging.Formatter):
    """A formatter of log records that shows no password: not in a message, and not in a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or lines, of a record."""
        return public(super().format(record))


def portable_uri(uri: str) -> str:
    """Return the URI in the form in which a journal has it: without a password; "" for the project's own store."""
    return "" if uri == DEFAULT_URI else public(uri)


def from_portable_uri(text: str) -> str:
    """Return the URI that :func:`portable_uri` recorded, where the project lies now."""
    return text or DEFAULT_URI


def sqlite_path(uri: str) -> str | None:
    """Return the file of a SQLite URI; None for any other store."""
    return str(Path(uri.removeprefix(SQLITE)).absolute()) if uri.startswith(SQLITE) else None


def absolute(uri: str) -> str:
    """Return the URI with the absolute path of a SQLite file: who sends later may do so from another folder."""
    path = sqlite_path(uri)
    return uri if path is None else f"{SQLITE}{path}"


def is_server(uri: str) -> bool:
    """Tell whether a server answers there, over HTTP."""
    return uri.startswith(("http://", "https://"))


def exists(uri: str) -> bool:
    """Tell whether there may be a store: False for a SQLite file that does not exist."""
    path = sqlite_path(uri)
    return path is None or Path(path).exists()

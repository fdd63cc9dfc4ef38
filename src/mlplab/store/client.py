"""MLflow's client, whose calls a signal never cuts in half."""

import functools
from typing import Any

from mlflow import MlflowClient

from mlplab.signals import held
from mlplab.store.uri import is_server


class SteadyClient(MlflowClient):
    """A client of a database. A signal takes effect between two calls.

    If it raised inside of SQLAlchemy, the session would raise an error of its own instead, and print its traceback.
    """

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or not callable(found):
            return found

        @functools.wraps(found)
        def whole(*arguments: Any, **keywords: Any) -> Any:
            with held():
                return found(*arguments, **keywords)

        return whole


def connect_client(uri: str) -> MlflowClient:
    """Return a client of the store. A server may take its time: there a signal interrupts the call."""
    if is_server(uri):
        return MlflowClient(uri)
    with held():
        return SteadyClient(uri)

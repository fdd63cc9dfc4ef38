"""Serves models to this machine until a signal arrives."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn

from mlplab.errors import ConfigError
from mlplab.models.loading import LoadedModel
from mlplab.models.serving.front import ADDRESS, make_front

_PATIENCE = 3  # seconds for which the end waits for answers that are under way
_WAITING = 2_048  # connections, until they are accepted


class ModelServer:
    """A port that is bound, and what is served there."""

    def __init__(self, bound: socket.socket) -> None:
        self._socket = bound
        self.port: int = bound.getsockname()[1]

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{ADDRESS}:{self.port}/"

    def serve(self, models: Sequence[LoadedModel], page: str) -> None:
        """Answer until SIGINT or SIGTERM arrives, which is then raised as it would have been."""
        app = make_front(models, page, self.port)
        config = uvicorn.Config(
            app, ws="none", lifespan="off", log_level="warning", access_log=False, timeout_graceful_shutdown=_PATIENCE
        )
        uvicorn.Server(config).run(sockets=[self._socket])


@contextmanager
def bound_server(port: int) -> Iterator[ModelServer]:
    """Bind a port of this machine; 0 takes any that is free.

    Raises:
        ConfigError: it cannot be had.
    """
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((ADDRESS, port))
            bound.listen(_WAITING)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ConfigError(f"port={port}: cannot be had ({reason}); take another, or port=0 for any") from error
        yield ModelServer(bound)

"""A store that is away is told from one that refuses, and each refusal names its own remedy."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mlplab.errors import StoreAwayError, StoreError
from mlplab.store.store import connect


@contextmanager
def server_that_answers(status: HTTPStatus) -> Iterator[str]:
    """A server that answers every request with this status, as a proxy in front of MLflow would."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (HTTPStatus.UNAUTHORIZED, "MLFLOW_TRACKING_USERNAME"),
        (HTTPStatus.FORBIDDEN, "Ask whoever runs the server for the right to write"),
        (HTTPStatus.NOT_FOUND, "correct tracking.uri"),
    ],
)
def test_a_server_that_refuses_says_what_to_do(status: HTTPStatus, remedy: str) -> None:
    with server_that_answers(status) as uri, pytest.raises(StoreError, match=remedy) as refused:
        connect(uri, "lab")
    assert not isinstance(refused.value, StoreAwayError)
    assert "Start the server" not in str(refused.value) or status is HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    "status", [HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS]
)
def test_a_server_that_is_overloaded_is_away(status: HTTPStatus) -> None:
    with server_that_answers(status) as uri, pytest.raises(StoreAwayError, match="does not answer"):
        connect(uri, "lab")

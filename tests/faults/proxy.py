"""A proxy on 127.0.0.1 between MLflow's client and its server, which breaks in the ways in which networks break."""

import http.client
import socket
import struct
import threading
from collections.abc import Callable
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

DELAY = 3.0  # seconds by which a delayed answer is late
# What concerns one connection alone is not handed on.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}

Fault = StrEnum("Fault", ["none", "drop", "delay", "half", "error", "hang"])


class Request(NamedTuple):
    """What a client asked for; ``path`` is without the query."""

    method: str
    path: str


class Proxy:
    """Hands requests on to a server; what it does wrong can be changed while it runs.

    Attributes:
        requests: all so far, in the order of their arrival.
    """

    def __init__(self, port: int) -> None:
        """Prepare a proxy of the server that listens on ``port``."""
        self.requests: list[Request] = []
        self._upstream = port
        self._fault = Fault.none
        self._loses: Callable[[Request], bool] | None = None
        self._changed = threading.Condition()
        self._server = _Listener(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.switch(Fault.none)
        self._server.shutdown()
        self._server.server_close()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def switch(self, fault: Fault) -> None:
        """From now on do this to every request."""
        with self._changed:
            self._fault = fault
            self._changed.notify_all()

    def lose_answer(self, asked: Callable[[Request], bool]) -> None:
        """Let the server carry out the next request of this kind, but reset the connection instead of answering."""
        with self._changed:
            self._loses = asked

    def has_lost(self) -> bool:
        """Tell whether the answer of :meth:`lose_answer` has been lost."""
        with self._changed:
            return self._loses is None

    def note(self, request: Request) -> tuple[Fault, bool]:
        """Return what to do to this request, and whether its answer is to be lost."""
        with self._changed:
            self.requests.append(request)
            loses = self._loses is not None and self._loses(request)
            if loses:
                self._loses = None
            return self._fault, loses

    def wait_while(self, fault: Fault, seconds: float | None = None) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._fault is not fault, seconds)

    def ask(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        """Return the server's answer. Raises OSError and HTTPException where there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self._upstream)
        try:
            headers = {key: value for key, value in handler.headers.items() if key.lower() not in HOP_BY_HOP}
            connection.request(handler.command, handler.path, body or None, headers)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    proxy: Proxy

    def shutdown_request(self, request: Any) -> None:
        request.close()  # without a shutdown before: a reset, where the handler asked for one

    def handle_error(self, request: Any, address: Any) -> None:
        """The client has gone: it was killed, or does not wait any longer."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _serve(self) -> None:
        body, proxy = self._body(), self.server.proxy
        fault, loses = proxy.note(Request(self.command, self.path.partition("?")[0]))
        if fault is Fault.delay:
            proxy.wait_while(fault, DELAY)
        if fault is Fault.hang:
            proxy.wait_while(fault)
        if fault in (Fault.drop, Fault.hang):
            return self._reset()
        if fault is Fault.error:
            return self._answer(500, "Internal Server Error", [], b"the server is broken")
        try:
            answer, content = proxy.ask(self, body)
        except (OSError, http.client.HTTPException):
            return self._reset()
        if loses:
            return self._reset()
        return self._answer(answer.status, answer.reason, answer.getheaders(), content, cut=fault is Fault.half)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _answer(
        self, status: int, reason: str, headers: list[tuple[str, str]], content: bytes, cut: bool = False
    ) -> None:
        """Answer; ``cut``: promise all of the content, but break off in the middle."""
        self.send_response_only(status, reason)
        for key, value in headers:
            if key.lower() not in HOP_BY_HOP:
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if cut else content)
        self.close_connection = cut

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

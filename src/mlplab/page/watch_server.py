"""Serves the page of a running sweep to browsers on this machine."""

import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mlplab.comparison.progress import Progress, WatchedSweep
from mlplab.errors import ConfigError, StoreError
from mlplab.page.watch_page import WatchPage
from mlplab.store.store import Store

ADDRESS = "127.0.0.1"  # nobody else's machine
PAUSE = 4.0  # seconds for which an answer of the store is good: however many look, it is not asked more often


class Latest:
    """The sweep's progress, read when somebody looks: while nobody does, the store is left alone."""

    def __init__(self, sweep: WatchedSweep) -> None:
        """Read it once. Raises StoreError."""
        self._sweep = sweep
        self._reading = threading.Lock()
        self._progress, self._problem = sweep.read(), ""
        self._due = time.monotonic() + PAUSE

    def get(self) -> tuple[Progress, str]:
        """Return what the store said last, and what is wrong with the store now; "" where nothing is."""
        # Only one asks; a store that hangs does not hold up the others.
        if time.monotonic() >= self._due and self._reading.acquire(blocking=False):
            try:
                self._progress, self._problem = self._sweep.read(), ""
            except StoreError as error:
                self._problem = str(error)
            finally:
                self._due = time.monotonic() + PAUSE
                self._reading.release()
        return self._progress, self._problem


class WatchServer(ThreadingHTTPServer):
    """Serves the page of one sweep at ``/``, and its content alone at ``/now``."""

    daemon_threads = True  # a request that waits for the store does not hold up the end

    def __init__(self, store: Store, latest: Latest, port: int) -> None:
        """Bind the port; 0 takes any that is free.

        Raises:
            ConfigError: it cannot be had.
        """
        self.store, self.latest = store, latest
        try:
            super().__init__((ADDRESS, port), _Handler)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ConfigError(f"port={port}: cannot be had ({reason}); take another, or port=0 for any") from error

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away before it had its answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{ADDRESS}:{self.server_port}/"

    def pages(self) -> dict[str, Callable[[], str]]:
        """Return what there is, by path."""
        page = WatchPage(self.store, *self.latest.get())
        return {"/": page.whole, "/now": page.content}


class _Handler(BaseHTTPRequestHandler):
    server: WatchServer

    def do_GET(self) -> None:
        """Answer with a page."""
        # Another name for this address could belong to a foreign page that wants to read this one.
        if self.headers.get("Host") not in {f"{name}:{self.server.server_port}" for name in (ADDRESS, "localhost")}:
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        page = self.server.pages().get(self.path)
        if page is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        body = page().encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing: a line for every request would bury the address."""

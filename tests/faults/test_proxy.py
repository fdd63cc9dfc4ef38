"""The proxy breaks connections in the ways it says."""

import http.client
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from faults.proxy import DELAY, Fault, Proxy

CONTENT = b"0123456789"


class Echo(BaseHTTPRequestHandler):
    """Answers everything with the same content, and counts."""

    protocol_version = "HTTP/1.1"
    count = 0

    def do_GET(self) -> None:
        Echo.count += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    Echo.count = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Proxy(server.server_port) as started:
            yield started
        server.shutdown()


@pytest.fixture
def client(proxy: Proxy) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(proxy.uri.removeprefix("http://"), timeout=60)
    yield connection
    connection.close()


def get(client: http.client.HTTPConnection) -> tuple[int, bytes]:
    client.request("GET", "/path?query")
    answer = client.getresponse()
    return answer.status, answer.read()


def test_it_hands_requests_on_and_notes_them(proxy: Proxy, client: http.client.HTTPConnection) -> None:
    assert [get(client), get(client)] == [(200, CONTENT)] * 2
    assert proxy.requests == [("GET", "/path")] * 2


def test_it_resets_connections(proxy: Proxy, client: http.client.HTTPConnection) -> None:
    proxy.switch(Fault.drop)
    with pytest.raises(ConnectionResetError):
        get(client)
    assert Echo.count == 0


def test_it_cuts_answers_in_half_after_the_server_has_done_its_work(
    proxy: Proxy, client: http.client.HTTPConnection
) -> None:
    proxy.switch(Fault.half)
    with pytest.raises(http.client.IncompleteRead) as error:
        get(client)
    assert error.value.partial == CONTENT[:5]
    assert Echo.count == 1


def test_it_answers_500(proxy: Proxy, client: http.client.HTTPConnection) -> None:
    proxy.switch(Fault.error)
    assert get(client)[0] == 500
    assert Echo.count == 0


def test_it_delays(proxy: Proxy, client: http.client.HTTPConnection) -> None:
    proxy.switch(Fault.delay)
    begin = time.monotonic()
    assert get(client) == (200, CONTENT)
    assert time.monotonic() - begin >= DELAY


def test_it_hangs_until_it_is_switched_and_then_resets(proxy: Proxy, client: http.client.HTTPConnection) -> None:
    proxy.switch(Fault.hang)
    client.request("GET", "/")
    threading.Timer(0.5, proxy.switch, [Fault.none]).start()
    with pytest.raises(ConnectionResetError):
        client.getresponse()
    assert Echo.count == 0


def test_it_loses_one_answer_of_a_kind(proxy: Proxy, client: http.client.HTTPConnection) -> None:
    proxy.lose_answer(lambda request: request.path == "/path")
    assert not proxy.has_lost()
    with pytest.raises(ConnectionResetError):
        get(client)
    assert proxy.has_lost()
    assert Echo.count == 1
    client.close()
    assert get(client) == (200, CONTENT)

"""The way from a command to its server, and how it is cut and mended."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faults.proxy import Fault, Proxy
from faults.servers import Server, serving

BY_SERVER = ("killed", "SIGSTOP")
BY_PROXY = {
    "dropped connections": Fault.drop,
    "late answers": Fault.delay,
    "half answers": Fault.half,
    "status 500": Fault.error,
}
HANGS = {"hanging answers": Fault.hang}  # as SIGSTOP does, but of the network


@dataclass(frozen=True)
class Link:
    """A server, and a proxy before it.

    Attributes:
        backend: the kind of database behind the server.
    """

    backend: str
    server: Server
    proxy: Proxy

    def uri(self, way: str) -> str:
        """Return what to type in a command whose server is to go away in this way."""
        return self.server.uri if way in BY_SERVER else self.proxy.uri

    def cut(self, way: str) -> None:
        self._actions(way)[0]()

    def mend(self, way: str) -> None:
        self._actions(way)[1]()

    def _actions(self, way: str) -> tuple[Callable[[], None], Callable[[], None]]:
        if way == "killed":
            return self.server.kill, self.server.start
        if way == "SIGSTOP":
            return self.server.freeze, self.server.thaw
        fault = (BY_PROXY | HANGS)[way]
        return lambda: self.proxy.switch(fault), lambda: self.proxy.switch(Fault.none)

    @contextmanager
    def away(self, way: str) -> Iterator[None]:
        """Within the block the server is away."""
        self.cut(way)
        try:
            yield
        finally:
            self.mend(way)


@contextmanager
def linked(folder: Path, backend: str, database: str) -> Iterator[Link]:
    with serving(folder, database) as server, Proxy(server.port) as proxy:
        yield Link(backend, server, proxy)

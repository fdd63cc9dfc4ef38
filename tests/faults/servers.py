"""Real MLflow servers, on SQLite or PostgreSQL, that can be killed, stopped and started again."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST_START = 180.0  # seconds that a server may take to answer, on a slow and busy machine


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """An ``mlflow server`` with one worker that hands out artifacts itself."""

    def __init__(self, folder: Path, database: str) -> None:
        """Prepare a server whose files lie in ``folder``; ``database`` is a URI of SQLAlchemy's."""
        self.port = free_port()
        self._folder, self._database = folder, database
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        command = [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port), "--workers",
            "1", "--backend-store-uri", self._database, "--artifacts-destination", str(self._folder / "artifacts"),
        ]  # fmt: skip
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")}
        environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # eight processes that nobody here needs
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, cwd=self._folder, start_new_session=True
            )
        deadline = time.monotonic() + LONGEST_START
        while not self.answers():
            text = (self._folder / "server.log").read_text()[-2_000:]
            assert self._process.poll() is None, f"the server ended: {text}"
            assert time.monotonic() < deadline, f"the server does not answer: {text}"
            time.sleep(0.1)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def kill(self) -> None:
        """Kill the server and its worker, as ``kill -9`` does."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Stop it as SIGSTOP does: the kernel goes on taking connections, which nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "the server has not been started"
        os.killpg(self._process.pid, number)


@contextmanager
def serving(folder: Path, database: str) -> Iterator[Server]:
    """A server that answers, killed at the end."""
    server = Server(folder, database)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@contextmanager
def postgresql(programs: Path) -> Iterator[str]:
    """A throw-away cluster that listens on a socket in its own folder; the URI of a database in it."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short: a socket's path has at most 107 characters
    # PostgreSQL refuses to run as root.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    data = folder / "data"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    process = None
    try:
        subprocess.run(
            [*user, programs / "initdb", "-D", data, "-A", "trust", "-U", "mlflow", "--no-sync"],
            check=True, **quiet,  # type: ignore[call-overload]
        )  # fmt: skip
        process = subprocess.Popen(
            [*user, programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses="],
            start_new_session=True, **quiet,  # type: ignore[call-overload]
        )  # fmt: skip
        ready = [programs / "pg_isready", "-h", folder, "-U", "mlflow"]
        deadline = time.monotonic() + LONGEST_START
        while subprocess.run(ready, check=False, **quiet).returncode:  # type: ignore[call-overload]
            assert process.poll() is None, "PostgreSQL ended"
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.1)
        yield f"postgresql+psycopg2://mlflow@/postgres?host={folder}"
    finally:
        if process is not None:
            os.killpg(process.pid, signal.SIGQUIT)  # its immediate shutdown
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)

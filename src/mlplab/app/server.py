"""A team's server on this machine: PostgreSQL for the runs, MLflow's server for all the rest, artifacts included.

  python src/server.py                                      or: make server

Everything lies in server/, so that a second start goes on with the same runs. It listens on 127.0.0.1, on port 5000
where that is free; Ctrl-C ends both. What to change for a host that others reach: docs/scale-out.md.
"""

import importlib.util
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from mlplab import environment, signals
from mlplab.app import postgresql
from mlplab.app.mlflow_process import start_mlflow
from mlplab.app.postgresql import Database
from mlplab.commands import as_typed, install_command, typed_command
from mlplab.errors import ConfigError, StoreError
from mlplab.paths import PROJECT_ROOT
from mlplab.serving import free_port, noted_port, served_port
from mlplab.terminal import say

FOLDER = PROJECT_ROOT / "server"
_START_SECONDS = 180.0  # MLflow creates its tables, then four processes import it
_STOP_SECONDS = 20.0
_HEALTH_SECONDS = 0.2


def main() -> None:
    """Run the command with what was typed."""
    environment.prepare_command()
    from mlplab.app import commandline

    commandline.run_command(lambda: _serve_team(sys.argv[1:]))


def _serve_team(arguments: Sequence[str]) -> None:
    """Serve until a signal arrives.

    Raises:
        ConfigError: something was typed.
        StoreError: PostgreSQL or its driver is missing, or one of the two does not start.
    """
    if {"-h", "--help"} & set(arguments):
        say(as_typed(str(__doc__)))
        return
    if arguments:
        raise ConfigError(f"{arguments[0]}: takes no options; see `--help`")
    if importlib.util.find_spec("psycopg2") is None:
        raise StoreError(f"psycopg2: MLflow cannot reach PostgreSQL without it; {install_command('server')}")
    environment.imports_are_done()
    FOLDER.mkdir(exist_ok=True)
    data = FOLDER / "postgresql"
    if served_port(data) is None:
        _end_leftover()
    port = free_port()
    with noted_port(data, port) as is_ours:
        if not is_ours:
            say(f"served already: http://127.0.0.1:{served_port(data)}")
            return
        signals.install(announcing=False)  # every run is saved already
        with postgresql.running(data) as database, _mlflow(database, port) as server:
            _say_where(database, port)
            status = server.wait()
    raise StoreError(f"MLflow's server ended with status {status}; {_log()} says why")


def _say_where(database: Database, port: int) -> None:
    uri = f"http://127.0.0.1:{port}"
    say(f"all runs:  {uri} (Ctrl-C ends the server)")
    say(f"to track:  {typed_command('train')} tracking=server tracking.uri={uri}")
    say(f"to move:   {typed_command('migrate')} from=sqlite:///mlflow.db to={uri}")
    say(f"to save:   pg_dump -Fc {database.options} -f mlplab.dump; and server/artifacts")


@contextmanager
def _mlflow(database: Database, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run MLflow's server, and wait until it answers."""
    arguments = ["--backend-store-uri", database.uri, *_own_arguments()]
    with _log().open("ab") as log, signals.held():
        server = start_mlflow(port, arguments, log)
    try:
        _await_health(server, port)
        yield server
    finally:
        with signals.held():
            _end(psutil.Process(server.pid) if server.poll() is None else None)
            server.wait()


def _own_arguments() -> list[str]:
    return ["--serve-artifacts", "--artifacts-destination", str(FOLDER / "artifacts")]


def _await_health(server: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except OSError:
            time.sleep(_HEALTH_SECONDS)
    raise StoreError(f"MLflow's server does not answer at port {port}; {_log()} says why")


def _end_leftover() -> None:
    """End the MLflow server of a command that was killed: its database is about to be stopped."""
    for process in psutil.process_iter(["cmdline"]):
        if _own_arguments() == (process.info["cmdline"] or [])[-len(_own_arguments()) :]:
            _end(process)


def _end(server: psutil.Process | None) -> None:
    """End a server and its processes, which finish their requests; after a while, at once."""
    if server is None:
        return
    try:
        family = [server, *server.children(recursive=True)]
        server.terminate()
    except psutil.NoSuchProcess:
        return
    _, alive = psutil.wait_procs(family, timeout=_STOP_SECONDS)
    for process in alive:
        process.kill()


def _log() -> Path:
    return FOLDER / "mlflow.log"

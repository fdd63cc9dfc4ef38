"""Serve MLflow's page of this project's runs, on a free port; links that commands print then lead there.

  python src/ui.py                                          or: make ui

It takes port 5000 where that is free. Ctrl-C ends the page, and nothing but it.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mlplab import environment, signals
from mlplab.app.mlflow_process import start_mlflow
from mlplab.commands import as_typed
from mlplab.errors import ConfigError, UserError
from mlplab.terminal import say


def main() -> None:
    """Run the command with what was typed."""
    environment.prepare_command()
    from mlplab.app import commandline

    commandline.run_command(lambda: _serve(sys.argv[1:]))


def _serve(arguments: Sequence[str]) -> None:
    """Serve the page until a signal arrives.

    Raises:
        ConfigError: something was typed, or the runs are not in a file.
        StoreError: no run is there yet.
    """
    if {"-h", "--help"} & set(arguments):
        say(as_typed(str(__doc__)))
        return
    if arguments:
        raise ConfigError(f"{arguments[0]}: takes no options; MLFLOW_TRACKING_URI says which file, if another")
    from mlplab.serving import free_port, noted_port, served_port
    from mlplab.store.store import require_file
    from mlplab.store.uri import DEFAULT_URI, public, sqlite_path

    environment.imports_are_done()
    uri = os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
    path = sqlite_path(uri)
    if path is None:
        raise ConfigError(f"MLFLOW_TRACKING_URI={public(uri)}: is no file to serve; open it in a browser")
    require_file(uri)
    port = free_port()
    with noted_port(Path(path), port) as is_ours:
        if is_ours:
            _serve_at(uri, port)
        else:
            say(f"served already: http://127.0.0.1:{served_port(Path(path))}")


def _serve_at(uri: str, port: int) -> None:
    signals.install(announcing=False)  # there is nothing to save
    say(f"all runs: http://127.0.0.1:{port} (Ctrl-C ends this page)")
    with start_mlflow(port, ["--workers", "1", "--backend-store-uri", uri]) as server:
        try:
            status = server.wait()
        finally:
            server.terminate()
    raise UserError(f"MLflow's page ended with status {status}; its own message stands above")

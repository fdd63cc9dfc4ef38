"""MLflow's server as a child process, for the commands that serve it on this machine."""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import IO


def start_mlflow(port: int, arguments: Sequence[str], log: IO[bytes] | None = None) -> "subprocess.Popen[bytes]":
    """Start MLflow's server on a port of 127.0.0.1.

    Args:
        port: to listen on.
        arguments: of ``mlflow server``, beside those that say where it listens.
        log: takes what it prints; without one, its errors are shown and the rest is not.
    """
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
        "--uvicorn-opts", "--log-level warning", *arguments,
    ]  # fmt: skip
    # The jobs of MLflow's server judge language models: six processes that nobody here needs.
    settings = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONWARNINGS": "ignore"}
    # In a group of its own: at Ctrl-C each of its processes would print a traceback.
    output = subprocess.DEVNULL if log is None else log
    return subprocess.Popen(command, env=settings, stdout=output, stderr=log, start_new_session=True)

"""A note of the port that serves a store's page is believed only while its writer lives."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from mlplab.serving import USUAL_PORT, free_port, noted_port, served_port


def test_a_port_is_noted_as_long_as_it_is_served(tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    assert served_port(database) is None
    with noted_port(database, 5001) as is_ours:
        assert is_ours
        assert served_port(database) == 5001
        with noted_port(database, 5002) as is_another:
            assert not is_another
        assert served_port(database) == 5001
    assert served_port(database) is None


def test_the_note_of_a_process_that_was_killed_is_not_believed(tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    code = (
        "import os, pathlib, sys\nfrom mlplab.serving import noted_port\n"
        "with noted_port(pathlib.Path(sys.argv[1]), 5001): print('on', flush=True); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(database)], stdout=subprocess.PIPE, env=os.environ)
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "mlflow.db.ui").read_text() == "5001"
    assert served_port(database) is None


def test_where_the_usual_port_is_taken_another_is_free() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # something else has it: just as well
            other.bind(("127.0.0.1", USUAL_PORT))
        assert free_port() != USUAL_PORT

"""Copy a store to another one: all runs with points, params, tags, data sets, artifacts, models and sweeps.

  python src/migrate.py from=sqlite:///mlflow.db to=http://127.0.0.1:5000
  python src/migrate.py from=http://127.0.0.1:5000 to=sqlite:///copy.db

  from=URI   a file, a server, or a database: whatever MLflow takes. Nothing in it is changed, except that what waits
             to be sent is sent, and runs whose process has died are closed
  to=URI     likewise; created where it is a file and does not exist

Every run is read again from there and compared: each point, and the SHA-256 of each artifact. However often this is
interrupted, the same command goes on, and nothing is there twice. Runs, models and experiments get new ids there;
where tags, results and pages name them, they name the new ones. Runs that are still being written are not copied, nor
is what was deleted, the registry of models, or traces.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from mlplab import environment
from mlplab.app.arguments import warn_of_repeated
from mlplab.app.options import not_an_option
from mlplab.commands import as_typed
from mlplab.errors import ClaimedError, ConfigError, StoreError
from mlplab.terminal import count_of, say, say_on_stderr
from mlplab.tracking_config import check_uri

if TYPE_CHECKING:
    from mlplab.migration.migrating import Report

_KEYS = ("from", "to")


def main() -> None:
    """Run the command with what was typed."""
    environment.prepare_command()
    from mlplab.app import commandline

    typed = sys.argv[1:]  # with passwords, which are about to be taken out
    commandline.run_command(lambda: _migrate(sys.argv[1:], typed))


def _migrate(arguments: Sequence[str], typed: Sequence[str]) -> None:
    """Copy everything; ``typed``: the arguments with their passwords.

    Raises:
        ConfigError: an argument is wrong.
        ClaimedError: the same is under way already.
        StoreError: a store does not answer, or not everything is there now.
    """
    if {"-h", "--help"} & set(arguments):
        say(as_typed(str(__doc__)))
        return
    source_uri, target_uri = _parse(arguments)
    _require_one_password(typed)
    from mlplab.app.counting_bar import showing
    from mlplab.migration.migrating import Migration, open_source
    from mlplab.store.uri import public

    environment.imports_are_done()
    with _only_one(source_uri, target_uri):
        try:
            migration = Migration(open_source(source_uri), target_uri)
            with showing(migration.runs, "run", "copy") as advance:
                report = migration.carry_out(advance)
        except StoreError as error:
            raise StoreError(f"{error}; then the same command goes on") from error
    _conclude(report, public(target_uri))


def _conclude(report: "Report", target: str) -> None:
    for name, said in report.differing.items():
        say_on_stderr(f"{name} differs: {'; '.join(said[:5])}{f'; and {len(said) - 5} more' if len(said) > 5 else ''}")
    what = [count_of(report.runs, "run"), count_of(report.points, "point"), count_of(report.files, "artifact")]
    models = f", {count_of(report.models, 'logged model')}" if report.models else ""
    say(f"{target}: {', '.join(what)}{models} copied and verified; {count_of(report.present, 'run')} there before")
    left = []
    if report.differing:
        left.append(f"{len(report.differing)} differ, as named above")
    if report.running:
        runs = "1 run is" if len(report.running) == 1 else f"{len(report.running)} runs are"
        left.append(f"{runs} still being written: {', '.join(report.running[:5])}")
    if left:
        raise StoreError(f"to={target}: {'; '.join(left)}. Repeat the same command")


def _parse(arguments: Sequence[str]) -> tuple[str, str]:
    from mlplab.store.uri import absolute

    given: dict[str, str] = {}
    for argument in arguments:
        key, separator, value = argument.partition("=")
        if key not in _KEYS or not separator or not value:
            raise ConfigError(not_an_option(argument, _KEYS))
        check_uri(value)
        given[key] = absolute(value)
    warn_of_repeated(arguments)
    for key in _KEYS:
        if key not in given:
            raise ConfigError(f"{key}=: is missing; from=URI and to=URI say what is copied where")
    if given["from"] == given["to"]:
        raise ConfigError(f"to={given['to']}: is what is to be copied; name another store")
    return given["from"], given["to"]


def _require_one_password(typed: Sequence[str]) -> None:
    """Raise ConfigError where a password would be sent to a store that it is not meant for."""
    from mlplab.store.uri import is_server, public

    uris = [argument.partition("=")[2] for argument in typed]
    with_one = [uri for uri in uris if public(uri) != uri]
    if len(with_one) > 1 or (with_one and all(map(is_server, uris))):
        raise ConfigError(
            "from=, to=: MLflow's client would send the password of one to the other; copy to a file first "
            "(to=sqlite:///copy.db), and from there"
        )


@contextmanager
def _only_one(source: str, target: str) -> Iterator[None]:
    """Keep a second command from copying the same runs at the same time, by the same user of this machine."""
    digest = hashlib.sha256(f"{source} {target}".encode()).hexdigest()[:16]
    user = os.getuid() if hasattr(os, "getuid") else ""
    try:
        with FileLock(Path(tempfile.gettempdir()) / f"mlplab-migrate-{user}-{digest}.lock", timeout=0):
            yield
    except Timeout:
        raise ClaimedError("to=: another process copies the same to there; wait for it, or stop it") from None

"""PostgreSQL from what the machine has, with its data in a folder of the project, reached through a socket alone.

No port and no password: the socket lies in a folder that only the user who started it may enter.
"""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlplab.errors import StoreError
from mlplab.signals import held

DEBIAN = Path("/usr/lib/postgresql")  # where its packages put the programs of each version
USER = "mlflow"  # the role that owns the database
DATABASE = "postgres"  # the one that every new cluster has
_ACCOUNT = "postgres"  # who runs it where we are root, which it refuses to be; Debian's packages create it
_START_SECONDS = 120  # it replays its log after a crash
_INSTALL = "install it (Debian: apt install postgresql; macOS: brew install postgresql)"


def find_programs(version: str | None = None) -> Path | None:
    """Return the folder of initdb and pg_ctl: of this major version, or of the latest; None where there is none."""
    there = sorted(DEBIAN.glob("*/bin/pg_ctl"), key=lambda path: float(path.parts[-3]))
    there = [path for path in there if version in (None, path.parts[-3])]
    if there:
        return there[-1].parent
    found = shutil.which("pg_ctl")
    return Path(found).resolve().parent if found else None


@dataclass(frozen=True)
class Database:
    """A database that runs: ``socket`` is the folder of its socket."""

    socket: Path

    @property
    def uri(self) -> str:
        """As SQLAlchemy writes it."""
        return f"postgresql+psycopg2://{USER}@/{DATABASE}?host={self.socket}"

    @property
    def options(self) -> str:
        """For psql, pg_dump and pg_restore."""
        return f"-h {shlex.quote(str(self.socket))} -U {USER} -d {DATABASE}"


@contextmanager
def running(data: Path) -> Iterator[Database]:
    """Run PostgreSQL while the block runs; its data, in the folder ``data``, is created where there is none.

    One that was left over by a process that was killed is stopped first: the caller has a lock on the folder.

    Raises:
        StoreError: PostgreSQL is not installed, or does not start.
        OSError: the folder cannot be written.
    """
    made_by = data / "PG_VERSION"
    version = made_by.read_text(encoding="utf-8").strip() if made_by.exists() else None
    programs = find_programs(version)
    if programs is None:
        what = "PostgreSQL" if version is None else f"PostgreSQL {version}, which made {data},"
        raise StoreError(f"{what} is not on this machine; {_INSTALL}")
    control = [*_as_account(data.parent), str(programs / "pg_ctl"), "-D", str(data)]
    if version is None:
        _create(programs, data)
    with held():
        if _run([*control, "status"]).returncode == 0:
            _run([*control, "-m", "fast", "-w", "stop"])
    socket = Path(tempfile.mkdtemp(prefix="mlplab-"))  # short: the path of a socket has at most 107 characters
    try:
        _give(socket)
        options = f"-k {shlex.quote(str(socket))} -c listen_addresses=''"
        log = data / "server.log"
        wait = ["-w", "-t", str(_START_SECONDS)]
        with held():
            started = _run([*control, "-o", options, "-l", str(log), *wait, "start"])
        if started.returncode:
            raise StoreError(f"{data}: PostgreSQL does not start ({_reason(started)}); {log} says why")
        yield Database(socket)
    finally:
        with held():
            _run([*control, "-m", "fast", "-w", "stop"])
            shutil.rmtree(socket, ignore_errors=True)


def _create(programs: Path, data: Path) -> None:
    """Create the data completely or not at all."""
    unfinished = data.with_name(f"{data.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    _give(unfinished)
    # Who may enter the folder of the socket is trusted: nobody else can reach it.
    settings = ["--auth", "trust", "--username", USER, "--encoding", "UTF8", "--no-locale"]
    with held():
        made = _run([*_as_account(data.parent), str(programs / "initdb"), *settings, "-D", str(unfinished)])
    if made.returncode:
        raise StoreError(f"{data}: PostgreSQL's initdb fails ({_reason(made)}); choose another place for the project")
    unfinished.rename(data)


def _as_account(folder: Path) -> list[str]:
    """Return what comes before a command of PostgreSQL's: as root, another user must run it.

    Raises:
        StoreError: there is no such user, or he may not enter the folder.
    """
    if os.geteuid() != 0:
        return []
    command = ["runuser", "-u", _ACCOUNT, "--"]
    if _run([*command, "test", "-x", str(folder)]).returncode:
        raise StoreError(
            f"{folder}: root cannot run PostgreSQL, and the user {_ACCOUNT} is missing or may not enter this folder; "
            "start it as an ordinary user, or move the project"
        )
    return command


def _give(folder: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, _ACCOUNT)


def _run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    # In a session of its own: Ctrl-C is for us, who stop it in order. Nobody else may enter this working directory.
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/", start_new_session=True, check=False
    )


def _reason(done: "subprocess.CompletedProcess[str]") -> str:
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1] if lines else f"status {done.returncode}"

"""The SQLite file is created whole, closed at the end, and never mixed with what another file left."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient

from mlplab.store.client import connect_client
from mlplab.store.sqlite_file import DatabaseFile, close_databases, file_lock, prepare_file, tidy_file

OPEN = """
import sys
from mlplab.app import commandline

def command():
    from mlplab.store.store import connect
    connect(sys.argv[1], "lab")
    print("open", flush=True)
    if len(sys.argv) > 2:
        sys.stdin.read()

commandline.run_command(command)
"""


@contextmanager
def opening(path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command that opens the store, and creates it if need be."""
    pipe, command = subprocess.PIPE, [sys.executable, "-c", OPEN, f"sqlite:///{path}", *arguments]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def beside(path: Path) -> set[str]:
    """The database's own files; the file of its lock stays."""
    return {file.name for file in path.parent.iterdir()} - {f"{path.name}.lock"}


def write(path: Path, rows: range, *, checkpoint: bool = False) -> None:
    """Write rows, one transaction each, in a process that then ends without closing the file, as if it was killed."""
    child = os.fork()
    if child == 0:
        try:
            connection = sqlite3.connect(path)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=OFF")  # quick: the process dies here, not the machine
            connection.execute("CREATE TABLE IF NOT EXISTS numbers (number INTEGER PRIMARY KEY, text TEXT)")
            connection.execute("CREATE INDEX IF NOT EXISTS texts ON numbers (text)")
            for row in rows:
                connection.execute("INSERT INTO numbers VALUES (?, ?)", (row, f"{row:>50}"))
                connection.commit()
            if checkpoint:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def numbers(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [number for (number,) in connection.execute("SELECT number FROM numbers ORDER BY number")]


def backup(path: Path) -> Path:
    """A copy of the file, made after it was closed in order."""
    numbers(path)
    copy = path.with_name("backup")
    shutil.copy(path, copy)
    return copy


def test_closing_leaves_one_file_that_holds_everything(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    prepare_file(path)
    run = connect_client(f"sqlite:///{path}").create_run("0")
    assert beside(path) > {"mlflow.db"}
    close_databases()
    assert beside(path) == {"mlflow.db"}
    shutil.move(path, tmp_path / "elsewhere.db")
    moved = MlflowClient(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    assert moved.get_run(run.info.run_id).info.status == "RUNNING"


def test_no_connection_of_mlflow_is_left_open(tmp_path: Path, empty_store: Path) -> None:
    """MLflow has no function for this: notice when it opens connections that SQLAlchemy does not tell of."""
    path = Path(shutil.copy(empty_store, tmp_path))
    prepare_file(path)
    client = connect_client(f"sqlite:///{path}")
    client.create_registered_model("champion")
    client.search_runs(["0"])
    ours = str(path.resolve())
    assert any(file.path.startswith(ours) for file in psutil.Process().open_files())
    close_databases()
    assert not [file.path for file in psutil.Process().open_files() if file.path.startswith(ours)]
    assert client.search_runs(["0"]) == []  # the client can be used again


def test_what_another_process_still_uses_is_left_to_it_but_lies_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "numbers.db"
    write(path, range(5))
    with closing(sqlite3.connect(path)) as other:
        other.execute("SELECT * FROM numbers").fetchall()
        connect_and_close = [sys.executable, "-c", "import sys; from mlplab.store import sqlite_file as s;"
            "import sqlalchemy; from pathlib import Path; s.tidy_file(Path(sys.argv[1]));"
            "sqlalchemy.create_engine('sqlite:///' + sys.argv[1]).connect()", str(path)]  # fmt: skip
        subprocess.run(connect_and_close, check=True)
        assert Path(f"{path}-wal").stat().st_size == 0
        shutil.copy(path, tmp_path / "copy.db")
        assert numbers(tmp_path / "copy.db") == list(range(5))


def test_a_new_file_does_not_inherit_the_log_of_one_that_was_removed(tmp_path: Path, empty_store: Path) -> None:
    path = Path(shutil.copy(empty_store, tmp_path))
    write(path, range(500))
    assert Path(f"{path}-wal").stat().st_size
    path.unlink()
    prepare_file(path)
    close_databases()
    assert beside(path) == {"mlflow.db"}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'numbers'").fetchone() is None


@pytest.mark.parametrize("restore", [shutil.copy, os.replace, shutil.copy2], ids=["copy", "move", "keeping the time"])
@pytest.mark.parametrize("checkpoint", [False, True])
@pytest.mark.parametrize("more", [3, 200, 3000])
def test_a_backup_is_restored_as_it_was(tmp_path: Path, restore: object, checkpoint: bool, more: int) -> None:
    path = tmp_path / "numbers.db"
    write(path, range(100))
    copy = backup(path)
    write(path, range(100, 1000))
    numbers(path)
    write(path, range(1000, 1000 + more), checkpoint=checkpoint)
    restore(copy, path)  # type: ignore[operator]
    tidy_file(path)
    assert numbers(path) == list(range(100))


@pytest.mark.parametrize("seed", range(12))
def test_the_log_of_a_killed_process_is_never_taken_for_a_foreign_one(tmp_path: Path, seed: int) -> None:
    rng, path, count = random.Random(seed), tmp_path / "numbers.db", 0
    for _ in range(5):
        more = rng.choice([1, 20, 800, 1500])
        write(path, range(count, count + more), checkpoint=rng.random() < 0.4)
        count += more
        if rng.random() < 0.5:  # a project that is copied as a whole
            folder = tmp_path / f"copy-{count}"
            folder.mkdir()
            for file in tmp_path.glob("numbers.db*"):
                shutil.copy2(file, folder)
            tidy_file(folder / path.name)
            assert numbers(folder / path.name) == list(range(count))
        tidy_file(path)
        if rng.random() < 0.5:
            assert numbers(path) == list(range(count))
    assert numbers(path) == list(range(count))


def test_a_checkpoint_that_was_interrupted_is_completed_by_the_log(tmp_path: Path) -> None:
    path = tmp_path / "numbers.db"
    write(path, range(2000))
    whole = tmp_path / "whole.db"
    shutil.copy(path, whole)
    shutil.copy(f"{path}-wal", f"{whole}-wal")
    expected = numbers(whole)  # closing it completes the checkpoint
    pages = whole.read_bytes()
    for half in range(4096, len(pages), 5 * 4096):
        path.write_bytes(pages[:half] + path.read_bytes()[half:])
        tidy_file(path)
        assert Path(f"{path}-wal").exists()
    assert numbers(path) == expected


@pytest.mark.slow
def test_a_log_that_a_process_uses_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with opening(path, "and wait") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        before = path.read_bytes()
        path.write_bytes(b"\0" * len(before))  # not even if the file looks foreign
        tidy_file(path)
        assert Path(f"{path}-wal").exists()
        path.write_bytes(before)


def test_a_file_that_is_replaced_is_another(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    path.write_text("one")
    file = DatabaseFile.at(path)
    assert file.is_still_there()
    path.write_text("one, changed")
    assert file.is_still_there()
    other = tmp_path / "other"
    other.write_text("two")
    other.replace(path)
    assert not file.is_still_there()
    path.unlink()
    assert not file.is_still_there()


def wait_until(condition: object, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
def test_a_kill_while_the_store_is_created_leaves_nothing_to_the_next_command(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with opening(path) as process:
        wait_until(Path(f"{path}.unfinished-journal").exists)
        process.kill()
    assert not path.exists()
    assert Path(f"{path}.unfinished").exists()
    Path(f"{path}.unfinished-journal").touch()
    with opening(path) as process:
        assert process.communicate(timeout=100) == ("open\n", "")
    assert beside(path) == {"mlflow.db"}


def test_what_a_kill_left_is_removed_by_a_command_that_creates_nothing(tmp_path: Path, empty_store: Path) -> None:
    path = Path(shutil.copy(empty_store, tmp_path))
    for ending in ("", "-journal", "-wal"):
        Path(f"{path}.unfinished{ending}").write_text("left")
    tidy_file(path)
    assert beside(path) == {"mlflow.db"}
    tidy_file(tmp_path / "nowhere" / "mlflow.db")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_store_is_created_ends_the_command_without_a_traceback(
    tmp_path: Path, number: signal.Signals
) -> None:
    path = tmp_path / "mlflow.db"
    with opening(path) as process:
        wait_until(Path(f"{path}.unfinished").exists)
        time.sleep(random.Random(number).random() / 2)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert stderr == f"\n{number.name}: stopping; saving what was measured\n"
    assert beside(path) == {"mlflow.db"}


@pytest.mark.slow
def test_whoever_creates_the_file_has_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with file_lock(path), opening(path) as process:
        time.sleep(5)
        assert process.poll() is None
        assert beside(path) == set()

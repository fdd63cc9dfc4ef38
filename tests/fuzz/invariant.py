"""What must hold after every command line."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from forks import Ended
from fuzz.lines import Line
from mlplab.app.rerun_options import NOT_THE_SAME

MOST_LINES = 4  # of one message
TOOK_TOO_LONG = -14  # SIGALRM
NEEDED = ("model=", "is missing", "nothing typed")  # what a command needs, and was not typed
SERVERS = ("watch", "serve")  # commands that go on until they are ended
# What correct runs leave; everything in them belongs to a run, which has a journal.
KEPT = re.compile(
    r"mlflow\.db.*|mlruns|outputs|multirun|data|x\.html|comparison\.html|predictions\.csv|model\.onnx|\.acquire\.lock"
)


def violations(line: Line, ended: Ended, before: set[Path], root: Path) -> list[str]:
    """Say in which ways a line broke the invariant; ``before``: the files that were there."""
    found = _of_ending(line, ended)
    if running := running_runs(root / "mlflow.db"):
        found.append(f"RUNNING: {running}")
    new = files(root) - before
    tops = {path.relative_to(root).parts[0] for path in new}
    if strange := sorted(top for top in tops if not KEPT.fullmatch(top) and not _was_asked_for(top, line)):
        found.append(f"left behind: {strange}")
    if empty := sorted(
        str(path) for path in output_folders(root) - output_folders_in(before, root) if not has_run(path)
    ):
        found.append(f"an output folder without a run: {empty}")
    return found


def _of_ending(line: Line, ended: Ended) -> list[str]:
    found = []
    said = ended.stdout + ended.stderr
    if "Traceback" in said:
        found.append("a traceback")
    if "secretword" in said:
        found.append("a password")
    if ended.status == TOOK_TOO_LONG:
        serves = "Ctrl-C ends " in ended.stdout or line.environment in ("closed stdout", "full stdout")
        if not (line.command in SERVERS and serves):
            found.append("took too long")
    elif ended.status == NOT_THE_SAME and line.command in ("rerun", "parity"):
        pass
    elif ended.status not in (0, 1):
        found.append(f"status {ended.status}")
    elif ended.status == 1 and line.environment not in ("closed stderr", "full stderr"):
        found += _of_message(line, ended)
    elif ended.status == 0 and "ERROR" in ended.stderr:
        found.append("an error, and status 0")
    return found


def _of_message(line: Line, ended: Ended) -> list[str]:
    text = ended.stderr
    message = text[text.find("ERROR: ") :] if "ERROR: " in text else ""
    if not message:
        return ["no message"]
    found = []
    if text.count("ERROR: ") > 1:
        found.append("several messages")
    if len(message.splitlines()) > MOST_LINES:
        found.append(f"{len(message.splitlines())} lines")
    names = [part for argument in line.arguments for part in re.split(r"[=.+~\s]+", argument) if len(part) > 1]
    if not any(
        name in message for name in [*names, *line.arguments, "tracking", "data.", "/", "the last sweep", *NEEDED]
    ):
        found.append("names nothing that was typed")
    if not re.search(r"[;:.] ?\S* ?\w+ .*\w", message.removeprefix("ERROR: ")):
        found.append("no remedy")
    return found


def _was_asked_for(top: str, line: Line) -> bool:
    """Whether a name stands in what was typed: out=x, hydra.run.dir=x, a store."""
    return any(argument.partition("=")[2].strip("'\"").startswith(top) for argument in line.arguments)


def running_runs(database: Path) -> list[str]:
    if not database.exists():
        return []
    with closing(sqlite3.connect(database)) as connection:
        return [name for (name,) in connection.execute("SELECT run_uuid FROM runs WHERE status = 'RUNNING'")]


def files(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if "__pycache__" not in path.parts}


def output_folders(root: Path) -> set[Path]:
    """outputs/DATE/TIME and multirun/DATE/TIME."""
    return {path for kind in ("outputs", "multirun") for path in (root / kind).glob("[0-9]*/*")}


def output_folders_in(paths: set[Path], root: Path) -> set[Path]:
    return output_folders(root) & paths


def has_run(folder: Path) -> bool:
    return (folder / "journal.jsonl").exists()

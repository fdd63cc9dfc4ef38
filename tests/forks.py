"""Runs commands as forks of one process, in a fraction of a second each: see app/zygote.py."""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from conftest import PROJECT, Project


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit status (-14: it took too long), and what it printed."""

    status: int
    stdout: str
    stderr: str


class Forks:
    """The commands of one project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.process = subprocess.Popen(
            [sys.executable, str(PROJECT / "tests" / "app" / "zygote.py"), str(project.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=project.environment(),
            text=True,
        )

    def run(self, *arguments: str, **order: Any) -> Ended:
        """Run a command; ``order``: the other fields of an Order in app/zygote.py."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        root = self.project.root
        files = {name: root.with_name(f"{root.name}.{name}") for name in ("stdout", "stderr")}
        for file in files.values():
            file.write_bytes(b"")
        complete = {"seconds": 60, **{name: str(file) for name, file in files.items()}, **order}
        self.process.stdin.write(json.dumps({"arguments": arguments, **complete}) + "\n")
        self.process.stdin.flush()
        status = int(self.process.stdout.readline())
        encoding = str(order.get("encoding", "utf-8"))
        return Ended(status, *(file.read_text(encoding, errors="replace") for file in files.values()))

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

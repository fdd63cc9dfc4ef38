"""The commands in children of one process that has imported everything: they start at once, and may die anywhere."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Project, copy_project


class Zygote:
    """See zygote.py."""

    def __init__(self, project: Project) -> None:
        self.project, self._stores = project, 0
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py")), str(project.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=project.environment(),
            text=True,
        )

    def forget(self, empty_store: Path) -> None:
        """Start afresh, with a new store and without output folders."""
        self._stores += 1
        self.project.database = f"store-{self._stores}.db"  # another name: MLflow keeps its connections to the former
        shutil.copy(empty_store, self.project.root / self.project.database)
        for folder in ("multirun", "outputs", "mlruns"):
            shutil.rmtree(self.project.root / folder, ignore_errors=True)

    def run(self, *arguments: str, die_at: tuple[str, int] | None = None) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(
            json.dumps({"arguments": [*arguments, f"tracking.uri={self.project.uri}"], "die_at": die_at}) + "\n"
        )
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    @property
    def log(self) -> str:
        return (self.project.root / "child.log").read_text()


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Zygote]:
    started = Zygote(copy_project(tmp_path_factory.mktemp("zygote")))
    started.forget(empty_store)
    yield started
    started.process.communicate("")

"""The commands in children of one process that has imported everything: they start at once, and may die anywhere."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conftest import copy_project
from forks import Forks


class Zygote:
    """``src/train.py``, again and again in one project.

    Attributes:
        log: all that was printed.
    """

    def __init__(self, forks: Forks) -> None:
        self.project, self.log = forks.project, ""
        self._forks, self._stores = forks, 0

    def forget(self, empty_store: Path) -> None:
        """Start afresh, with a new store and without output folders."""
        self._stores += 1
        self.project.database = f"store-{self._stores}.db"  # another name: MLflow keeps its connections to the former
        shutil.copy(empty_store, self.project.root / self.project.database)
        for folder in ("multirun", "outputs", "mlruns"):
            shutil.rmtree(self.project.root / folder, ignore_errors=True)

    def run(self, *arguments: str, die_at: tuple[str, int] | None = None) -> int:
        """Return its exit status; ``die_at``: see Order in zygote.py."""
        ended = self._forks.run(*arguments, f"tracking.uri={self.project.uri}", die_at=die_at, seconds=0)
        self.log += ended.stdout + ended.stderr
        return ended.status


@contextmanager
def forked(folder: Path, empty_store: Path) -> Iterator[Zygote]:
    """Give the block a project of its own in this folder."""
    forks = Forks(copy_project(folder))
    zygote = Zygote(forks)
    zygote.forget(empty_store)
    try:
        yield zygote
    finally:
        forks.close()


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Zygote]:
    with forked(tmp_path_factory.mktemp("zygote"), empty_store) as zygote:
        yield zygote

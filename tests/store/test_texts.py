"""Artifacts on this machine, read from where they lie."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from mlplab.errors import StoreError
from mlplab.store.store import Store
from mlplab.store.texts import read_texts


@pytest.fixture
def unused(tmp_path: Path) -> Store:
    """A store that is not asked: it does not exist."""
    uri = f"sqlite:///{tmp_path / 'none.db'}"
    return Store(uri, "1", MlflowClient.__new__(MlflowClient))


def test_files_are_read_without_asking_the_store(tmp_path: Path, unused: Store) -> None:
    folders = {}
    for name in ("with 100 % ä", "plain"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text(f"in {name}", encoding="utf-8")
        folders[name] = (tmp_path / name).as_uri()
    folders |= {"no scheme": str(tmp_path / "plain"), "gone": (tmp_path / "gone").as_uri()}
    found = read_texts(unused, folders, "x.txt")
    assert found == {"with 100 % ä": "in with 100 % ä", "plain": "in plain", "no scheme": "in plain"}


def test_what_cannot_be_read_is_named(tmp_path: Path, unused: Store) -> None:
    (tmp_path / "x.txt").mkdir()
    with pytest.raises(StoreError, match=r"x.txt: cannot be read \(Is a directory\)"):
        read_texts(unused, {"run": tmp_path.as_uri()}, "x.txt")

"""A file is there whole or not at all, and never in the place of another, also of one that appears meanwhile."""

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from mlplab.errors import ConfigError
from mlplab.models.new_file import new_file


@pytest.fixture(params=["hard links", "no hard links"])
def _either_file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))  # as FAT answers

    if request.param == "no hard links":
        monkeypatch.setattr(os, "link", refuse)


pytestmark = pytest.mark.usefixtures("_either_file_system")


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    with new_file(tmp_path / "out.csv") as place:
        place.write_text("whole")
        assert not (tmp_path / "out.csv").exists()
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("out.csv", "whole")]


def test_it_has_the_rights_of_any_file(tmp_path: Path) -> None:
    (tmp_path / "any").touch()
    with new_file(tmp_path / "out.csv"):
        pass
    assert (tmp_path / "out.csv").stat().st_mode == (tmp_path / "any").stat().st_mode


@pytest.mark.parametrize("is_link", [False, True])
def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path, is_link: bool) -> None:
    out = tmp_path / "out.csv"
    message = f"out={out}: exists already; remove it, or choose another name"
    with pytest.raises(ConfigError) as raised, new_file(out) as place:  # noqa: PT012 - it is the end that raises
        place.write_text("ours")
        if is_link:
            out.symlink_to(tmp_path / "nowhere")
        else:
            out.write_text("theirs")
    assert str(raised.value) == message
    assert list(tmp_path.iterdir()) == [out]
    assert out.is_symlink() if is_link else out.read_text() == "theirs"


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), new_file(tmp_path / "out.csv") as place:  # noqa: PT012
        place.write_text("half")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())

"""A checkpoint is complete, or it does not exist."""

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlplab.errors import CheckpointError
from mlplab.training import checkpoint
from mlplab.training.checkpoint import Checkpoint

STATE = Checkpoint({"W": np.array([0.1, np.pi], np.float32), "t": np.array(7)}, {"step": 7, "big": 2**100, "x": 0.1})


def test_everything_is_restored_exactly(tmp_path: Path) -> None:
    checkpoint.save_checkpoint(tmp_path / "state", STATE)
    loaded = checkpoint.load_checkpoint(tmp_path / "state")
    assert loaded is not None
    assert loaded.facts == STATE.facts
    for name, array in STATE.arrays.items():
        np.testing.assert_array_equal(loaded.arrays[name], array)
        assert loaded.arrays[name].dtype == array.dtype
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_without_a_file_there_is_no_checkpoint(tmp_path: Path) -> None:
    assert checkpoint.load_checkpoint(tmp_path / "state") is None


def test_a_write_that_fails_leaves_the_former_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint.save_checkpoint(tmp_path / "state", STATE)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save_checkpoint(tmp_path / "state", Checkpoint({}, {"step": 8}))
    loaded = checkpoint.load_checkpoint(tmp_path / "state")
    assert loaded is not None
    assert loaded.facts["step"] == 7
    checkpoint.remove_checkpoint(tmp_path / "state")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_an_error_names_a_damaged_checkpoint(tmp_path: Path, keep: int) -> None:
    checkpoint.save_checkpoint(tmp_path / "state", STATE)
    path = tmp_path / "state"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=f"{path}: is damaged"):
        checkpoint.load_checkpoint(path)


@pytest.mark.parametrize(("offset", "value"), [(8, 8), (8, 99), (6, 1)], ids=["deflate", "unknown", "encrypted"])
def test_an_odd_compression_or_encryption_is_damage(tmp_path: Path, offset: int, value: int) -> None:
    """As the file's header says in the places where ZIP keeps the method and the flags."""
    path = tmp_path / "state"
    checkpoint.save_checkpoint(path, STATE)
    content = bytearray(path.read_bytes())
    content[offset] = value
    directory = content.index(b"PK\1\2")
    content[directory + offset + 2] = value
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged"):
        checkpoint.load_checkpoint(path)


def test_whatever_bytes_change_the_checkpoint_is_read_or_named(tmp_path: Path) -> None:
    path, rng = tmp_path / "state", random.Random(3)
    checkpoint.save_checkpoint(path, STATE)
    whole = path.read_bytes()
    refused = 0
    for _ in range(500):
        content = bytearray(whole)
        for _ in range(rng.choice([1, 2, 5])):
            content[rng.randrange(len(content))] = rng.randrange(256)
        path.write_bytes(content)
        try:
            loaded = checkpoint.load_checkpoint(path)
            assert loaded is not None
            assert loaded.facts == STATE.facts
            assert all(np.array_equal(STATE.arrays[name], array) for name, array in loaded.arrays.items())
        except CheckpointError:
            refused += 1
    assert refused > 300


def write_nothing(path: Path) -> None:
    path.touch()


def make_a_folder(path: Path) -> None:
    path.mkdir()


def make_a_pipe(path: Path) -> None:
    os.mkfifo(path)


def write_one_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.arange(3))


def write_other_facts(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, facts=np.frombuffer(b"[]", np.uint8))


def write_no_facts(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, W=np.arange(3))


@pytest.mark.timeout(20)  # reading a pipe would wait for ever
@pytest.mark.parametrize(
    "put", [write_nothing, make_a_folder, make_a_pipe, write_one_array, write_other_facts, write_no_facts]
)
def test_anything_else_in_its_place_is_damage(tmp_path: Path, put: Callable[[Path], None]) -> None:
    put(tmp_path / "state")
    with pytest.raises(CheckpointError, match=f"{tmp_path / 'state'}: is damaged"):
        checkpoint.load_checkpoint(tmp_path / "state")


def test_the_former_checkpoint_is_kept_until_the_next_but_one(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    for step in (1, 2, 3):
        checkpoint.save_checkpoint(path, Checkpoint({}, {"step": step}))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["checkpoint.former.npz", "checkpoint.npz"]
    steps = [checkpoint.load_checkpoint(file) for file in (path, checkpoint.former(path))]
    assert [saved and saved.facts["step"] for saved in steps] == [3, 2]
    checkpoint.remove_checkpoint(path)
    assert not list(tmp_path.iterdir())


def test_a_folder_in_its_place_is_left_alone_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "checkpoint.npz"
    path.mkdir()
    with pytest.raises(OSError, match=str(path)):
        checkpoint.save_checkpoint(path, STATE)
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.npz"]
    checkpoint.remove_checkpoint(path)
    assert f"{path}: cannot be removed" in caplog.text


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"W": STATE.arrays["W"]}, "it lacks the array t"),
        ({**STATE.arrays, "W": np.array([0.1], np.float32)}, r"its array W is float32\(1,\) instead of float32\(2,\)"),
        ({**STATE.arrays, "W": np.array([0.1, 1.0])}, r"its array W is float64\(2,\) instead of float32\(2,\)"),
    ],
)
def test_arrays_of_another_network_are_not_restored(arrays: dict[str, Any], reason: str) -> None:
    checkpoint.require_arrays_like(Path("state"), STATE, STATE.arrays)
    with pytest.raises(CheckpointError, match=reason):
        checkpoint.require_arrays_like(Path("state"), Checkpoint(arrays, {}), STATE.arrays)


def test_nothing_pickled_is_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "state.npz", facts=np.array({"step": 1}, dtype=object))
    with pytest.raises(CheckpointError, match="is damaged"):
        checkpoint.load_checkpoint(tmp_path / "state.npz")

"""A checkpoint is complete, or it does not exist."""

from pathlib import Path

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
    with pytest.raises(CheckpointError, match="is damaged"):
        checkpoint.load_checkpoint(path)


def test_nothing_pickled_is_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "state.npz", facts=np.array({"step": 1}, dtype=object))
    with pytest.raises(CheckpointError, match="is damaged"):
        checkpoint.load_checkpoint(tmp_path / "state.npz")

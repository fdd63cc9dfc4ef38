"""Odd data files: KMNIST, of which only sizes and headers are published, in as many folders as there are faults."""

import os
import stat
from pathlib import Path

from fuzz.lines import DATA_FILES
from mlplab.data.catalog import CATALOG, IdxSource


def make_all(root: Path) -> None:
    """Make ``root``/whole, ``root``/truncated, ..."""
    for name in DATA_FILES:
        _make(name, root / name)


def _make(name: str, root: Path) -> None:
    source = CATALOG["kmnist"]
    assert isinstance(source, IdxSource)
    folder = root / source.download.folder
    folder.mkdir(parents=True)
    labels = {"out_of_range": 200, "three_classes": 3}.get(name, source.classes)
    for file in source.files:
        path = folder / file.name
        path.write_bytes(file.header)
        os.truncate(path, file.size)  # without blocks on the disk: every pixel is 0
        if len(file.shape) == 1 and name != "constant":
            path.write_bytes(file.header + bytes(number % labels for number in range(file.size - len(file.header))))
    _damage(name, folder / source.files[0].name, folder / source.files[1].name)


def _damage(name: str, images: Path, labels: Path) -> None:
    if name == "truncated":
        os.truncate(images, images.stat().st_size // 2)
    elif name == "swapped":
        aside = images.with_suffix(".aside")
        images.rename(aside)
        labels.rename(images)
        aside.rename(labels)
    elif name in ("folder", "pipe", "empty", "damaged_archive"):
        images.unlink()
        if name == "folder":
            images.mkdir()
        elif name == "pipe":
            os.mkfifo(images)
        elif name == "empty":
            images.touch()
        else:
            images.with_name(f"{images.name}.gz").write_bytes(b"\x1f\x8b\x08\x00damaged")
    elif name == "unreadable":
        images.chmod(stat.S_IWUSR)

"""A folder of pictures, train/CLASS/*.png and perhaps test/ and val/: found by torchvision, read by Pillow."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlplab.data.acquire import torchvision_datasets
from mlplab.data.assembly import Part, assemble, existing, where_is
from mlplab.data.encoding import PictureRows
from mlplab.data.labels import RowName, listed_some
from mlplab.data.room import INPUT_BYTES, require_room
from mlplab.data.source import Loaded
from mlplab.data_config import Color, DataConfig
from mlplab.errors import DataError
from mlplab.terminal import has_or_have

if TYPE_CHECKING:
    from PIL.Image import Image

_GREY, _DEEP = ("1", "L", "LA"), ("I", "F")  # Pillow's modes: grey ones; those of more than 8 bits begin with these
_MODES = {Color.grey: "L", Color.rgb: "RGB"}


@dataclass(frozen=True)
class Form:
    """What all pictures of a data set become: grey or in colour, and of one size."""

    color: Color
    rows: PictureRows
    is_chosen: bool  # whether the config says the colour

    @classmethod
    def of(cls, config: DataConfig, size: tuple[int, int], modes: Iterable[str]) -> "Form":
        """Return the form for pictures of these modes, where the first has this size: (width, height)."""
        own = Color.grey if all(mode in _GREY for mode in modes) else Color.rgb
        color = config.color or own
        side = config.image_size
        height, width = (size[1], size[0]) if side is None else (side, side)
        shape = [height, width] if color is Color.grey else [height, width, 3]
        return cls(color, PictureRows(shape, side is not None), config.color is not None)

    def read(self, picture: "Image", where: str) -> NDArray[np.uint8]:
        """Return the pixels. Raises DataError for a picture that does not fit; ``where`` names it."""
        if picture.mode.startswith(_DEEP):
            raise DataError(f"{where}: has more than 8 bits per pixel (mode {picture.mode}); save it with 8")
        if self.color is Color.grey and not self.is_chosen and picture.mode not in _GREY:
            raise DataError(f"{where}: is in colour, and the first picture is grey; set data.color=rgb, or grey")
        pixels = self.rows.resized(picture.convert(_MODES[self.color]))
        if list(pixels.shape) != list(self.rows.shape):
            height, width = self.rows.shape[:2]
            raise DataError(
                f"{where}: is {pixels.shape[1]} x {pixels.shape[0]} pixels, and the first picture is {width} x "
                f"{height}; set data.image_size={height} to resize all"
            )
        return pixels

    def read_all(self, count: int, pictures: Iterable[tuple["Image", str]]) -> NDArray[np.uint8]:
        """Return the pixels of so many pictures, each with what names it: uint8, shape (count, height, width[, 3])."""
        pixels = np.empty((count, *self.rows.shape), np.uint8)
        for place, (picture, where) in enumerate(pictures):
            pixels[place] = self.read(picture, where)
        return pixels

    def require_room_for(self, count: int, where: str) -> None:
        """Raise DataError if so many pictures have no room in memory."""
        needed = count * prod(self.rows.shape) * (1 + INPUT_BYTES)
        require_room(needed, where, "set data.image_size to something smaller, or take fewer pictures")


def read_images(config: DataConfig, root: Path) -> Loaded:  # noqa: ARG001
    """Return the data set in the folder at ``data.path``.

    Raises:
        DataError: a folder or a picture is not what it must be; the message says which.
    """
    folder = existing(config, "folder")
    where = where_is(folder)
    if not (folder / "train").is_dir():
        found = sorted(entry.name for entry in folder.iterdir())[:5]
        has = f"it has {', '.join(found)}" if found else "it is empty"
        raise DataError(f"{where}: has no folder train ({has}); put the pictures into train/CLASS/")
    splits = [split for split in ("train", "test", "val") if (folder / split).is_dir()]
    files = {split: _list_pictures(folder / split, where) for split in splits}
    _require_known_classes(where, files)
    paths = [path for listed in files.values() for path, _ in listed]

    def named(path: str) -> str:
        return f"{where}: {Path(path).relative_to(folder)}"

    heads = [_opened(path, named(path), lambda picture: (picture.size, picture.mode)) for path in paths]
    form = Form.of(config, heads[0][0], [mode for _, mode in heads])
    form.require_room_for(len(paths), where)
    parts = {
        split: Part(
            form.read_all(len(listed), ((_opened(path, named(path), _loaded), named(path)) for path, _ in listed)),
            np.array([label for _, label in listed]),
            f"{where}: {split}",
            _called_in(folder, [path for path, _ in listed]),
        )
        for split, listed in files.items()
    }
    return assemble(folder.name, ("local", {"uri": str(folder)}), parts, config, lambda _: form.rows)


def _called_in(folder: Path, paths: Sequence[str]) -> RowName:
    return lambda place: Path(paths[place]).relative_to(folder).as_posix()


def _list_pictures(folder: Path, where: str) -> Sequence[tuple[str, str]]:
    """Return path and class of every picture in the folder of a split."""
    datasets = torchvision_datasets()
    try:
        found = datasets.ImageFolder(str(folder), allow_empty=True)
    except FileNotFoundError as error:
        raise DataError(
            f"{where}: {folder.name} has no folder of a class; put the pictures into {folder.name}/CLASS/"
        ) from error
    except OSError as error:
        raise DataError(f"{where}: {folder.name} cannot be read ({error.strerror})") from error
    empty = [found.classes[index] for index in set(range(len(found.classes))) - {index for _, index in found.samples}]
    if empty:
        folders = listed_some([f"{folder.name}/{name}" for name in sorted(empty)])
        raise DataError(
            f"{where}: {folders} {has_or_have(len(empty))} no pictures "
            f"({', '.join(datasets.folder.IMG_EXTENSIONS)}); put some there, or remove the folder"
        )
    return [(path, found.classes[index]) for path, index in found.samples]


def _require_known_classes(where: str, files: Mapping[str, Sequence[tuple[str, str]]]) -> None:
    """Raise DataError for a class that the training set has not."""
    known = sorted({name for _, name in files["train"]})
    for split, listed in files.items():
        unknown = sorted({name for _, name in listed} - set(known))
        if unknown:
            raise DataError(
                f"{where}: {split} has the class {unknown[0]}, which train has not: it has {listed_some(known)}; "
                f"remove the folder {split}/{unknown[0]}, or put pictures of that class into train/{unknown[0]}"
            )


def _loaded(picture: "Image") -> "Image":
    picture.load()
    return picture


def _opened(path: str, where: str, use: Callable[["Image"], Any]) -> Any:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return use(picture)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = str(error).replace(f" '{path}'", "") or type(error).__name__
        raise DataError(f"{where}: cannot be read as a picture ({reason}); replace it, or remove it") from error

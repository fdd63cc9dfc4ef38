"""Pictures that people bring or draw, as the raw pixels that a model takes: the one place where that is done."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlplab.errors import DataError
from mlplab.models.row_forms import ArrayForm

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
MOST_PIXELS = 40_000_000  # of a picture: of a good camera; a small file can claim to hold any number
_DEEP = ("I", "F")  # Pillow's modes of more than 8 bits begin with these
_SIDE, _BOX = 28, 20  # of an MNIST image, and of the box into which its digit was scaled
_FAINT = 26  # of 255: a tenth; less is the grain of paper, where the rim is not plain


def pixels_of(source: bytes | Path, where: str, form: ArrayForm, centred: bool = False) -> NDArray[np.uint8]:
    """Return a picture as pixels of the model's image shape, 0 to its ``pixel_max``.

    One of that size is taken as it is; any other is resized, whatever its proportions.

    Args:
        source: an encoded picture, or the file that holds it.
        where: names it in a message.
        form: of the model's rows, which are pixels.
        centred: prepare it as MNIST's digits are: see :func:`centre`.

    Raises:
        DataError: it is no picture, is too large, or shows nothing.
    """
    from PIL import Image

    assert form.image_shape is not None
    height, width, *channels = form.image_shape
    mode = "RGB" if channels == [3] else "L"
    picture = _opened(source, where)
    if centred:
        grey = np.asarray(picture.convert("L"))
        picture = Image.fromarray(centre(grey, height, width, where)).convert(mode)
    else:
        picture = picture.convert(mode)
        if picture.size != (width, height):
            picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture, np.uint8)
    if form.pixel_max == 255:
        return pixels
    return np.round(pixels * (form.pixel_max / 255)).astype(np.uint8)


def centre(grey: NDArray[np.uint8], height: int, width: int, where: str) -> NDArray[np.uint8]:
    """Return a digit as MNIST has them: light on black, scaled into a box, its centre of mass in the centre.

    MNIST's images have 28 x 28 pixels and a box of 20 x 20; other sizes are filled to the same share.

    Args:
        grey: shape (H, W). Dark on light, as on paper, is turned round.
        height, width: of the result.
        where: names the picture in a message.

    Raises:
        DataError: it shows nothing.
    """
    from PIL import Image

    rim = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    is_paper = np.median(rim) > 127
    light, rim = (255 - grey, 255 - rim) if is_paper else (grey, rim)
    is_plain = rim.min() == rim.max()
    marked = light > (rim.max() if is_plain else np.median(rim) + _FAINT)
    if not marked.any():
        raise DataError(f"{where}: shows nothing; draw a digit, or take a picture of one")
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    cut = np.where(marked, light, 0)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.uint8)
    box = max(1, round(min(height, width) * _BOX / _SIDE))
    scale = box / max(cut.shape)
    size = tuple(max(1, round(side * scale)) for side in (cut.shape[1], cut.shape[0]))
    digit = np.asarray(Image.fromarray(cut).resize((size[0], size[1]), Image.Resampling.BILINEAR))
    return _placed(digit, height, width)


def _placed(digit: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    mass = digit.astype(np.float64)
    total = mass.sum() or 1.0
    middles = [float((mass.sum(axis=1 - axis) * np.arange(digit.shape[axis])).sum() / total) for axis in (0, 1)]
    field = np.zeros((height, width), np.uint8)
    # As in MNIST's test set, whose centres of mass lie at 14.0 (from 0) and not at 13.5, within half a pixel.
    top, left = (
        min(max(round(side / 2 - middle), 0), side - length)
        for side, middle, length in zip((height, width), middles, digit.shape, strict=True)
    )
    field[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return field


def _opened(source: bytes | Path, where: str) -> "Image":
    """Return the picture, upright and on white where it is transparent."""
    from PIL import Image, ImageOps

    file = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with Image.open(file, formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise DataError(
                    f"{where}: has {picture.width:,} x {picture.height:,} pixels; takes {MOST_PIXELS:,} at most"
                )
            if picture.mode.startswith(_DEEP):
                raise DataError(f"{where}: has more than 8 bits per pixel (mode {picture.mode}); save it with 8")
            upright = ImageOps.exif_transpose(picture)
            if not upright.has_transparency_data:
                return upright.copy()
            paper = Image.new("RGBA", upright.size, "white")
            return Image.alpha_composite(paper, upright.convert("RGBA"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{where}: is no picture, or is damaged; takes {', '.join(FORMATS)}") from error

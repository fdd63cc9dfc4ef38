"""Pictures become raw pixels of the model's size, and digits what MNIST's are."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from mlplab.data import test_images as images_to_test_on
from mlplab.errors import DataError
from mlplab.models.pictures_taken import MOST_PIXELS, centre, pixels_of
from mlplab.models.row_forms import ArrayForm

DIGITS = ArrayForm(np.dtype(np.uint8), (784,), (28, 28))
COLOUR = ArrayForm(np.dtype(np.uint8), (8, 6, 3), (8, 6, 3))
RNG = np.random.default_rng(0)
NO_PICTURE = "the picture: is no picture, or is damaged; takes PNG, JPEG, WEBP, BMP, GIF"


def encoded(picture: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def drawn(size: int, ink: int, paper: int) -> Image.Image:
    picture = Image.new("L", (size, size), paper)
    ImageDraw.Draw(picture).line([(size * 0.55, size * 0.1), (size * 0.5, size * 0.8)], ink, size // 12)
    return picture


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF"])
def test_a_picture_of_the_models_size_is_taken_pixel_by_pixel(kind: str) -> None:
    pixels = RNG.integers(0, 256, (28, 28), dtype=np.uint8)
    np.testing.assert_array_equal(pixels_of(encoded(Image.fromarray(pixels), kind), "it", DIGITS), pixels)


def test_a_file_is_read_as_its_bytes_are(tmp_path: Path) -> None:
    body = encoded(drawn(50, 255, 0))
    (tmp_path / "digit.png").write_bytes(body)
    np.testing.assert_array_equal(pixels_of(tmp_path / "digit.png", "it", DIGITS), pixels_of(body, "it", DIGITS))


def test_a_picture_of_another_size_is_resized() -> None:
    pixels = pixels_of(encoded(Image.new("RGB", (40, 30), (200, 10, 0)), "JPEG"), "it", COLOUR)
    assert (pixels.shape, pixels.dtype) == ((8, 6, 3), np.uint8)
    np.testing.assert_allclose(pixels.reshape(-1, 3), [[200, 10, 0]] * 48, atol=4)


def test_pixels_reach_to_the_largest_value_that_the_model_knows() -> None:
    small = ArrayForm(np.dtype(np.uint8), (64,), (8, 8), 16)
    assert pixels_of(encoded(Image.new("L", (8, 8), 255)), "it", small).max() == 16


def test_what_is_transparent_is_paper() -> None:
    clear = Image.new("RGBA", (28, 28), (0, 0, 0, 0))
    np.testing.assert_array_equal(pixels_of(encoded(clear), "it", DIGITS), np.full((28, 28), 255))


def test_mnists_own_images_are_centred_already(mnist_root: Path) -> None:
    found = images_to_test_on("mnist", str(mnist_root))
    assert found is not None
    images = found[0][:1_000]
    alike = [np.array_equal(centre(image, 28, 28, "it"), image) for image in images]
    assert np.mean(alike) > 0.98  # of the rest the mass lies half way between two pixels


@given(
    top=st.integers(5, 60), left=st.integers(5, 60), height=st.integers(20, 130), width=st.integers(20, 130)
)  # fmt: skip
def test_a_digit_anywhere_of_any_size_fills_the_box_around_its_centre_of_mass(
    top: int, left: int, height: int, width: int
) -> None:
    field = np.zeros((200, 200), np.uint8)
    field[top : top + height, left : left + width] = 255
    centred = centre(field, 28, 28, "it")
    rows, columns = np.nonzero(centred)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    assert abs(rows.mean() - 14) <= 0.5
    assert abs(columns.mean() - 14) <= 0.5


def test_ink_on_paper_is_light_on_black() -> None:
    on_paper, on_black = (np.asarray(picture) for picture in (drawn(200, 0, 255), drawn(200, 255, 0)))
    np.testing.assert_array_equal(centre(on_paper, 28, 28, "it"), centre(on_black, 28, 28, "it"))


def test_the_grain_of_paper_is_not_the_digit() -> None:
    grainy = np.asarray(drawn(200, 20, 220)).astype(int) + RNG.integers(-12, 13, (200, 200))
    plain = centre(np.asarray(drawn(200, 20, 220)), 28, 28, "it")
    found = centre(grainy.clip(0, 255).astype(np.uint8), 28, 28, "it")
    assert (found > 0).any(axis=1).sum() == (plain > 0).any(axis=1).sum() == 20
    assert int(found.sum()) == pytest.approx(int(plain.sum()), rel=0.05)


def truncated() -> bytes:
    noise = Image.fromarray(RNG.integers(0, 256, (50, 50), dtype=np.uint8))
    return encoded(noise)[:900]


def bomb() -> bytes:
    return encoded(Image.new("1", (20_000, 15_000)))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"no picture", NO_PICTURE),
        (truncated(), NO_PICTURE),
        (encoded(Image.new("L", (9, 9)), "TIFF"), NO_PICTURE),
        (bomb(), NO_PICTURE),
        (
            encoded(Image.new("1", (MOST_PIXELS // 4_000 + 1, 4_000))),
            "the picture: has 10,001 x 4,000 pixels; takes 40,000,000 at most",
        ),
        (
            encoded(Image.fromarray(np.zeros((9, 9), np.uint16))),
            "the picture: has more than 8 bits per pixel (mode I;16); save it with 8",
        ),
        (
            encoded(Image.new("L", (9, 9), 80)),
            "the picture: shows nothing; draw a digit, or take a picture of one",
        ),
    ],
)
def test_what_is_no_picture_is_one_message(body: bytes, message: str) -> None:
    with pytest.raises(DataError) as raised:
        pixels_of(body, "the picture", DIGITS, centred=True)
    assert str(raised.value) == message

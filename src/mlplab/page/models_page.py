"""The page of models that answer: to draw on, to drop a picture on, or for other rows to send JSON from."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlplab.page.templates import render_template

_PACKAGE = "mlplab.page"
_DIGITS = tuple(map(str, range(10)))


@dataclass(frozen=True)
class AnsweringModel:
    """A model and where it answers, below the page's own address."""

    name: str
    address: str


def render_drawing_page(
    models: Sequence[AnsweringModel], classes: Sequence[str], image_shape: Sequence[int], commands: Sequence[str]
) -> str:
    """Return the page for models that take pictures.

    Args:
        models: which answer, side by side.
        classes: their names.
        image_shape: of the first: (height, width) or (height, width, 3).
        commands: that ask from elsewhere.
    """
    height, width, *color = image_shape
    return render_template(
        _PACKAGE,
        "models.html",
        title=_title(models),
        models=models,
        takes_pictures=True,
        image_size=f"{width} x {height}",
        centred=not color and tuple(classes) == _DIGITS,
        commands=commands,
    )


def render_asking_page(models: Sequence[AnsweringModel], takes: str, example: str, commands: Sequence[str]) -> str:
    """Return the page for models that take other rows; ``example`` is JSON that works, ``takes`` what is right."""
    return render_template(
        _PACKAGE,
        "models.html",
        title=_title(models),
        models=models,
        takes_pictures=False,
        takes=takes,
        example=example,
        commands=commands,
    )


def _title(models: Sequence[AnsweringModel]) -> str:
    return " beside ".join(model.name for model in models)

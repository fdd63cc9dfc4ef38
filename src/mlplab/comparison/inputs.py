"""What runs were trained on, as the record of their data set says."""

import json
from typing import Any

import pandas as pd
from mlflow.entities import Run

from mlplab.schema import CLASS_NAMES, IMAGE_SHAPE

_COLUMN = "are_images"  # of a frame of runs


def profile_of(run: Run) -> dict[str, Any]:
    """Return the profile of the data set that a run recorded; empty where it recorded none."""
    used = run.inputs.dataset_inputs if run.inputs else []
    return json.loads(used[0].dataset.profile or "{}") if used else {}


def columns_of(run: Run) -> dict[str, Any]:
    """Return what a frame of runs has of it: ``class_names``, where classes have names, and ``are_images``."""
    profile = profile_of(run)
    named = {"class_names": tuple(profile[CLASS_NAMES])} if CLASS_NAMES in profile else {}
    return {**named, _COLUMN: _are_images(profile)}


def thing_of(run: Run) -> str:
    """Return what an input of a run is called, in the singular: "image" or "row"."""
    return _called(_are_images(profile_of(run)))


def thing_of_all(runs: pd.DataFrame) -> str:
    """Return what an input is called that is one of any of these runs: as :func:`thing_of`."""
    return _called(_COLUMN in runs and bool(runs[_COLUMN].all()))


def _are_images(profile: dict[str, Any]) -> bool:
    """Tell it by the shape; of older runs, which lack it, published sets are images: their classes have no names."""
    return bool(profile) and (IMAGE_SHAPE in profile or CLASS_NAMES not in profile)


def _called(are_images: bool) -> str:
    return "image" if are_images else "row"

"""Saves a trained network for rows as people have them, whichever network it is."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mlplab.data import Coding, encoding
from mlplab.tracking import model


def save_coded(folder: Path, coding: Coding | None, save: Callable[[Path, np.dtype[Any]], None]) -> None:
    """Create ``folder`` with the network that ``save`` saves, for raw rows; if that fails, remove it again.

    Args:
        folder: to create.
        coding: of people's own data; None for a published set, whose rows are pixels.
        save: creates a folder with a model that takes rows of numbers of this dtype and returns classes.
    """
    try:
        if coding is None:
            save(folder, np.dtype(np.uint8))
            return
        with tempfile.TemporaryDirectory() as temporary:
            network = Path(temporary) / "network"
            save(network, coding.rows.dtype)
            model.save_raw(folder, network, _form(coding))
    except Exception:
        shutil.rmtree(folder, ignore_errors=True)  # on a full disk it is cut off
        raise


def _form(coding: Coding) -> model.RawForm:
    rows = coding.rows
    code = Path(encoding.__file__)
    return model.RawForm(rows.settings(), code, rows.libraries, rows.example(), rows.raw_shape, coding.labels)

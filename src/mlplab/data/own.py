"""People's own data: which reader reads which kind. A new kind is a member of ``DataName`` and an entry here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlplab.data.npz import read_npz
from mlplab.data.openml import has_openml, read_openml
from mlplab.data.pictures import read_images
from mlplab.data.source import Loaded
from mlplab.data.table import read_csv
from mlplab.data.torchvision_sets import has_torchvision, read_torchvision
from mlplab.data_config import DataConfig, DataName


@dataclass(frozen=True)
class Reader:
    """How a kind of data is read, from the config and the data root, and whether that needs no download."""

    read: Callable[[DataConfig, Path], Loaded]
    is_here: Callable[[DataConfig, Path], bool] = lambda *_: True


READERS: Mapping[DataName, Reader] = {
    DataName.npz: Reader(read_npz),
    DataName.csv: Reader(read_csv),
    DataName.images: Reader(read_images),
    DataName.openml: Reader(read_openml, has_openml),
    DataName.torchvision: Reader(read_torchvision, has_torchvision),
}


def read_own(config: DataConfig, root: Path) -> Loaded:
    """Return the data set that the config describes; downloads lie below ``root``.

    Raises:
        DataError: the data is not there, or not what it must be; the message names file, row and remedy.
        ConfigError: a key does not fit the data.
    """
    return READERS[config.name].read(config, root)


def is_here(config: DataConfig, root: Path) -> bool:
    """Tell whether :func:`read_own` needs no download."""
    return READERS[config.name].is_here(config, root)

"""The part of the config that says which data a run trains on: types and bounds of every key."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import NoneType
from typing import Any, Optional, get_args, get_type_hints

from mlplab.checks import require

DataName = StrEnum(
    "DataName",
    [
        "auto", "mnist", "fashion_mnist", "kmnist", "emnist", "cifar10", "digits",
        "npz", "csv", "images", "openml", "torchvision",
    ],
)  # fmt: skip
EmnistSplit = StrEnum("EmnistSplit", ["byclass", "bymerge", "balanced", "letters", "digits", "mnist"])
Color = StrEnum("Color", ["grey", "rgb"])

_FILES = (DataName.npz, DataName.csv, DataName.images)
_PICTURES = (DataName.images, DataName.torchvision)
_OWN = (*_FILES, DataName.openml, DataName.torchvision)


@dataclass(frozen=True)
class _Rule:
    """Which kinds of data take a key, and which of them must have it."""

    taken_by: tuple[DataName, ...]
    required_by: tuple[DataName, ...]
    what: str


_RULES: Mapping[str, _Rule] = {
    "path": _Rule(_FILES, _FILES, "the file, or the folder of pictures"),
    "label": _Rule((DataName.csv, DataName.openml), (DataName.csv,), "the column to predict"),
    "dataset_id": _Rule((DataName.openml,), (DataName.openml,), "the number in the data set's address, such as 61"),
    "dataset": _Rule((DataName.torchvision,), (DataName.torchvision,), "a class of torchvision.datasets"),
    "test_size": _Rule(_OWN, (), "a fraction"),
    "test_seed": _Rule(_OWN, (), "a whole number"),
    "image_size": _Rule(_PICTURES, (), "a number of pixels"),
    "color": _Rule(_PICTURES, (), "grey or rgb"),
}


@dataclass
class DataConfig:
    """Which data, and how they are split and scaled."""

    name: DataName
    root: str
    train_size: Optional[int]  # noqa: UP045 - OmegaConf 2.3 reads Optional, not `int | None`
    val_size: int
    standardize: bool
    split: Optional[EmnistSplit] = None  # noqa: UP045
    path: Optional[str] = None  # noqa: UP045
    label: Optional[str] = None  # noqa: UP045
    dataset: Optional[str] = None  # noqa: UP045
    dataset_id: Optional[int] = None  # noqa: UP045
    test_size: Optional[float] = None  # noqa: UP045
    test_seed: Optional[int] = None  # noqa: UP045
    image_size: Optional[int] = None  # noqa: UP045
    color: Optional[Color] = None  # noqa: UP045

    @classmethod
    def of_params(cls, params: Mapping[str, str]) -> "DataConfig":
        """Return the config that a run has recorded as text, by key. Raises ConfigError, KeyError, ValueError."""
        values: dict[str, Any] = {}
        for key, hint in get_type_hints(cls).items():
            kind = next(one for one in (*get_args(hint), hint) if one is not NoneType)
            text = params.get(f"data.{key}", "None")
            values[key] = None if text == "None" else text == "True" if kind is bool else kind(text)
        return cls(**values)

    @property
    def entry(self) -> str:
        """The entry of the data catalog that the config names."""
        return str(self.name) if self.split is None else f"{self.name}/{self.split}"

    @property
    def is_own(self) -> bool:
        """Whether it is people's own data, and no entry of the catalog."""
        return self.name in _OWN

    @property
    def is_of_files(self) -> bool:
        """Whether it is a file or a folder of people's own, and no download."""
        return self.name in _FILES

    def __post_init__(self) -> None:
        require(
            "data.split",
            self.split,
            (self.split is not None) == (self.name is DataName.emnist),
            f"data=emnist takes one of {', '.join(EmnistSplit)}; other data sets take none",
        )
        for key, rule in _RULES.items():
            self._check_taken(key, rule)
        require("data.root", self.root, bool(self.root.strip()), "takes a folder; leave it out for the default")
        self._check_numbers()

    def _check_taken(self, key: str, rule: _Rule) -> None:
        value = getattr(self, key)
        kinds = ", ".join(f"data={kind}" for kind in rule.taken_by)
        require(
            f"data.{key}", value, value is None or self.name in rule.taken_by,
            f"is a key of {kinds}; leave it out of data={self.name}",
        )  # fmt: skip
        is_given = value is not None and str(value).strip() != ""
        require(
            f"data.{key}", "null" if value is None else value, is_given or self.name not in rule.required_by,
            f"data={self.name} needs it: {rule.what}",
        )  # fmt: skip

    def _check_numbers(self) -> None:
        def number(key: str, least: int, remedy: str) -> None:
            value = getattr(self, key)
            require(f"data.{key}", value, value is None or value >= least, remedy)

        number("train_size", 1, "takes a number of rows, at least 1, or null for all")
        number("val_size", 0, "takes a number of rows, 0 for no validation")
        number("image_size", 1, "takes the side of a picture in pixels, at least 1, or null to keep its size")
        number("dataset_id", 1, "takes the number in the data set's address on openml.org")
        number("test_seed", 0, "takes a whole number, 0 or more")
        require(
            "data.test_size", self.test_size, self.test_size is None or 0 < self.test_size < 1,
            "takes a fraction of the rows, above 0 and below 1, such as 0.2",
        )  # fmt: skip

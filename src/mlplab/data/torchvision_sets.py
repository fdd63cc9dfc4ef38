"""Every classification set of torchvision, by the name of its class: downloaded and read by torchvision."""

import difflib
import http.client
import inspect
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from filelock import FileLock

from mlplab.data.acquire import DataUnavailableError, make_root, network_timeout, torchvision_datasets
from mlplab.data.assembly import Part, assemble
from mlplab.data.pictures import Form
from mlplab.data.source import Loaded
from mlplab.data_config import DataConfig
from mlplab.errors import ConfigError, DataError

if TYPE_CHECKING:
    from PIL.Image import Image

Arguments = Mapping[str, Any]
_FAULTS = (RuntimeError, ValueError, EOFError, OSError, http.client.HTTPException)  # as torchvision raises them


@dataclass(frozen=True)
class Listing:
    """How torchvision is asked for the splits of a data set: arguments of its class. What is None does not exist."""

    train: Arguments = field(default_factory=dict)
    test: Arguments | None = None
    val: Arguments | None = None

    @property
    def splits(self) -> dict[str, Arguments]:
        """The arguments by split."""
        all_splits = {"train": self.train, "test": self.test, "val": self.val}
        return {name: arguments for name, arguments in all_splits.items() if arguments is not None}


def _split(train: str = "train", test: str | None = "test", val: str | None = None) -> Listing:
    arguments = [None if name is None else {"split": name} for name in (train, test, val)]
    return Listing(cast(Arguments, arguments[0]), *arguments[1:])


_TRUE_OR_FALSE = Listing({"train": True}, {"train": False})
_WHOLE = Listing()  # a test set is split off

# Some have validation labels alone, which are then what is tested on.
LISTINGS: Mapping[str, Listing] = {
    **dict.fromkeys(("CIFAR10", "CIFAR100", "FashionMNIST", "KMNIST", "MNIST", "QMNIST", "USPS"), _TRUE_OR_FALSE),
    **dict.fromkeys(("Caltech101", "Caltech256", "EuroSAT", "SEMEION", "SUN397"), _WHOLE),
    **dict.fromkeys(("Food101", "GTSRB", "STL10", "SVHN", "StanfordCars"), _split()),
    **dict.fromkeys(("DTD", "FGVCAircraft", "Flowers102", "PCAM", "RenderedSST2"), _split(val="val")),
    "CLEVRClassification": _split(test="val"),
    "Country211": _split(val="valid"),
    "EMNIST": Listing({"split": "balanced", "train": True}, {"split": "balanced", "train": False}),
    "FER2013": _split(test=None),
    "FakeData": Listing({"size": 1_000}, {"size": 200, "random_offset": 1_000}),
    "INaturalist": Listing({"version": "2021_train_mini"}, {"version": "2021_valid"}),
    "ImageNet": _split(test="val"),
    "Imagenette": _split(test="val"),
    "Omniglot": _WHOLE,
    "OxfordIIITPet": _split(train="trainval"),
    "Places365": Listing({"split": "train-standard", "small": True}, {"split": "val", "small": True}),
}


def read_torchvision(config: DataConfig, root: Path) -> Loaded:
    """Return the data set that torchvision names ``data.dataset``; download what is missing below ``root`` first.

    Raises:
        ConfigError: there is none of this name.
        DataUnavailableError: files are missing and cannot be downloaded.
        DataError: its pictures cannot be used as they are.
    """
    name = config.dataset
    assert name is not None
    if name not in LISTINGS:
        close = difflib.get_close_matches(name.lower(), [known.lower() for known in LISTINGS], n=1)
        hint = next((f"did you mean {known}? " for known in LISTINGS if [known.lower()] == close), "")
        raise ConfigError(
            f"data.dataset={name}: torchvision has no such classification set; {hint}"
            f"choose from {', '.join(sorted(LISTINGS, key=str.lower))}"
        )
    splits = _open_all(name, LISTINGS[name], root)
    first, _ = splits["train"][0]
    form = Form.of(config, first.size, [first.mode])
    form.require_room_for(sum(map(len, splits.values())), f"data.dataset={name}")
    parts = {split: _part(name, split, form, found) for split, found in splits.items()}
    return assemble(
        name, ("code", {"tags": {"function": f"torchvision.datasets.{name}"}}), parts, config, lambda _: form.rows
    )


def has_torchvision(config: DataConfig, root: Path) -> bool:
    """Tell whether all files of the data set are below ``root``."""
    assert config.dataset is not None
    try:
        _open(getattr(torchvision_datasets(), config.dataset), LISTINGS[config.dataset], root)
    except _FAULTS:
        return False
    return True


def _part(name: str, split: str, form: Form, found: Any) -> Part:
    targets: list[int] = []

    def pictures() -> Iterator[tuple["Image", str]]:
        for place in range(len(found)):
            picture, target = found[place]
            targets.append(int(target))
            yield picture, f"data.dataset={name}: picture {place} of {split}"

    pixels = form.read_all(len(found), pictures())
    known = getattr(found, "classes", getattr(found, "categories", []))
    names = [one if isinstance(one, str) else ", ".join(one) for one in known]
    is_named = len(names) > max(targets) and len(set(names)) == len(names)
    labels = np.array([names[target] for target in targets]) if is_named else np.array(targets, np.int64)
    return Part(pixels, labels, f"data.dataset={name}: {split}", f"picture {{}} of {split}".format)


def _open_all(name: str, listing: Listing, root: Path) -> dict[str, Any]:
    """Return torchvision's data set of each split, from below ``root``."""
    kind = getattr(torchvision_datasets(), name)
    try:
        with _no_empty_folders(root):
            return _open(kind, listing, root)
    except _FAULTS as error:
        if "download" not in inspect.signature(kind).parameters:
            raise DataUnavailableError(_how_to_get(name, root, error)) from error
    make_root(root)
    try:
        with FileLock(root / ".acquire.lock"):
            _download(name, kind, listing, root)
        with _no_empty_folders(root):
            return _open(kind, listing, root)
    except _FAULTS as error:
        raise DataUnavailableError(_how_to_get(name, root, error)) from error


@contextmanager
def _no_empty_folders(root: Path) -> Iterator[None]:
    """Remove the empty folders that some data sets make before they notice that their files are missing."""
    before = set(root.iterdir()) if root.is_dir() else set()
    try:
        yield
    except _FAULTS:
        for created in set(root.iterdir()) - before if root.is_dir() else ():
            with suppress(OSError):  # it is no empty folder
                created.rmdir()
        raise


def _open(kind: Any, listing: Listing, root: Path, download: bool = False) -> dict[str, Any]:
    known = {"root": str(root), "download": download}
    common = {key: value for key, value in known.items() if key in inspect.signature(kind).parameters}
    if issubclass(kind, torchvision_datasets().MNIST):  # those below it pass it on
        common["download"] = download
    return {split: kind(**common, **arguments) for split, arguments in listing.splits.items()}


def _download(name: str, kind: Any, listing: Listing, root: Path) -> None:
    """Let torchvision download into a temporary folder; then move what is whole into place."""
    with tempfile.TemporaryDirectory(prefix=".incoming-", dir=root) as incoming:
        with network_timeout():
            _open(kind, listing, Path(incoming), download=True)
        for entry in Path(incoming).iterdir():
            if (root / entry.name).exists():
                raise DataError(
                    f"data.dataset={name}: {root / entry.name} is damaged or not whole; remove it to have it "
                    "downloaded"
                )
            entry.replace(root / entry.name)


def _how_to_get(name: str, root: Path, error: Exception) -> str:
    reason = " ".join(str(error).split()).rstrip(".")
    return (
        f"data.dataset={name}: is not below {root} and cannot be downloaded ({reason}). Put its files there, laid out "
        "as torchvision's documentation says, or set MLPLAB_DATA_ROOT (or data.root) to a folder that has them"
    )

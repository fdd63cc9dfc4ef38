"""Data sets of torchvision and OpenML: found below the data root, or downloaded; reading is that of the libraries."""

import gzip
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import _openml

from mlplab import data
from mlplab.data.acquire import DataUnavailableError, torchvision_datasets
from mlplab.data.torchvision_sets import LISTINGS
from mlplab.data_config import DataConfig, DataName
from mlplab.errors import ConfigError, DataError

# Of torchvision.datasets: no sets of pictures with one class each, but bases, pairs, boxes, masks, texts and films.
OTHERS = {
    "CREStereo", "CarlaStereo", "CelebA", "Cityscapes", "CocoCaptions", "CocoDetection", "DatasetFolder",
    "ETH3DStereo", "FallingThingsStereo", "Flickr30k", "Flickr8k", "FlyingChairs", "FlyingThings3D", "HD1K", "HMDB51",
    "ImageFolder", "InStereo2k", "Kinetics", "Kitti", "Kitti2012Stereo", "Kitti2015Stereo", "KittiFlow", "LFWPairs",
    "LFWPeople", "LSUN", "LSUNClass", "Middlebury2014Stereo", "MovingMNIST", "PhotoTour", "SBDataset", "SBU",
    "SceneFlowStereo", "Sintel", "SintelStereo", "UCF101", "VOCDetection", "VOCSegmentation", "VisionDataset",
    "WIDERFace", "wrap_dataset_for_transforms_v2",
}  # fmt: skip


def config(name: DataName, root: Path, **keys: Any) -> DataConfig:
    return DataConfig(name=name, root=str(root), train_size=None, val_size=0, standardize=False, **keys)


def load(given: DataConfig) -> data.Dataset:
    return data.load(given, np.random.default_rng(0), "float32")


def test_every_set_of_torchvision_is_listed_or_is_no_classification() -> None:
    assert set(torchvision_datasets().__all__) == set(LISTINGS) | OTHERS
    assert not set(LISTINGS) & OTHERS


def test_the_arguments_of_every_listing_are_those_of_its_class(tmp_path: Path) -> None:
    """Each class refuses arguments that it does not know before it looks for files."""
    for name in set(LISTINGS) - {"FakeData"}:
        with pytest.raises(DataUnavailableError) as caught:
            load(config(DataName.torchvision, tmp_path, dataset=name))
        assert f"data.dataset={name}: is not below {tmp_path} and cannot be downloaded" in str(caught.value)
        assert "Unknown value" not in str(caught.value), name
    assert not [entry.name for entry in tmp_path.iterdir() if entry.name != ".acquire.lock"]


def test_an_unknown_name_is_answered_with_the_one_that_is_meant(tmp_path: Path) -> None:
    for typed, meant in (("svhn", "SVHN"), ("Cifar100", "CIFAR100"), ("Flower102", "Flowers102")):
        with pytest.raises(
            ConfigError, match=f"data.dataset={typed}: .* did you mean {meant}\\? choose from Caltech101"
        ):
            load(config(DataName.torchvision, tmp_path, dataset=typed))


def test_pictures_in_torchvisions_layout_are_read_and_keep_the_names_of_their_classes(tmp_path: Path) -> None:
    for kind, shade in (("Forest", 40), ("River", 200)):
        folder = tmp_path / "eurosat" / "2750" / kind
        folder.mkdir(parents=True)
        for number in range(5):
            Image.new("RGB", (8, 8), (shade + number, 0, 0)).save(folder / f"{kind}_{number}.jpg")
    given = config(DataName.torchvision, tmp_path, dataset="EuroSAT", image_size=4)
    dataset = load(given)
    assert (dataset.name, dataset.inputs, dataset.class_names) == ("EuroSAT", 48, ["Forest", "River"])
    assert (len(dataset.train), len(dataset.test)) == (8, 2)
    found = data.test_rows(given)
    assert found is not None
    assert found[0].shape == (2, 4, 4, 3)


@pytest.mark.slow
def test_a_set_with_a_test_set_of_its_own_keeps_it(tmp_path: Path) -> None:
    given = config(DataName.torchvision, tmp_path, dataset="FakeData", image_size=4)
    dataset = load(given)
    assert (len(dataset.train), len(dataset.test), dataset.classes, dataset.inputs) == (1_000, 200, 10, 48)
    assert load(given).digest == dataset.digest


def test_what_is_not_here_is_not_downloaded_for_a_page(tmp_path: Path) -> None:
    assert data.test_rows(config(DataName.torchvision, tmp_path, dataset="SVHN")) is None
    assert data.test_rows(config(DataName.openml, tmp_path, dataset_id=61)) is None


# --- OpenML

ARFF = "@RELATION tea\n@ATTRIBUTE hours REAL\n@ATTRIBUTE kind {green,black}\n@ATTRIBUTE good {yes,no}\n@DATA\n"
ROWS = [f"{hours / 2},{'green' if hours % 3 else 'black'},{'yes' if hours > 10 else 'no'}" for hours in range(20)]
TABLE = ARFF + "\n".join(ROWS) + "\n"
FEATURES = [
    {"index": str(i), "name": name, "data_type": kind, "is_target": target, "is_ignore": "false",
     "is_row_identifier": "false", "number_of_missing_values": "0"}
    for i, (name, kind, target) in enumerate(
        [("hours", "numeric", "false"), ("kind", "nominal", "false"), ("good", "nominal", "true")])
]  # fmt: skip
DETAILS = {
    "id": "7", "name": "tea", "version": "1", "description": "", "format": "ARFF", "status": "active", "file_id": "70",
    "url": "https://www.openml.org/data/v1/download/70/tea.arff", "processing_date": "2020-01-01 00:00:00",
    "md5_checksum": hashlib.md5(TABLE.encode()).hexdigest(),
}  # fmt: skip
ANSWERS = {
    "/api/v1/json/data/7": json.dumps({"data_set_description": DETAILS}),
    "/api/v1/json/data/features/7": json.dumps({"data_features": {"feature": FEATURES}}),
    "/api/v1/json/data/qualities/7": json.dumps(
        {"data_qualities": {"quality": [{"name": "NumberOfInstances", "value": "20"}]}}
    ),
    "/data/v1/download/70/tea.arff": TABLE,
}


class _OpenML(http.server.BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.asked.append(path)
        body = gzip.compress(ANSWERS.get(path, "{}").encode())
        self.send_response(200 if path in ANSWERS else 412)  # what it answers for an unknown number
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def openml(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A server that answers as openml.org does, to which scikit-learn's requests go; yields what it was asked."""
    _OpenML.asked = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _OpenML)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here = f"http://127.0.0.1:{server.server_port}"
    real = _openml.urlopen

    def redirected(request: Any, *rest: Any, **more: Any) -> Any:
        request.full_url = request.full_url.replace("https://www.openml.org", here)
        return real(request, *rest, **more)

    monkeypatch.setattr(_openml, "urlopen", redirected)
    yield _OpenML.asked
    server.shutdown()
    server.server_close()


def test_a_table_of_openml_is_downloaded_once_and_then_read_from_the_data_root(
    tmp_path: Path, openml: list[str]
) -> None:
    given = config(DataName.openml, tmp_path, dataset_id=7)
    dataset = load(given)
    assert (dataset.name, dataset.inputs, dataset.class_names) == ("tea (OpenML 7)", 3, ["no", "yes"])
    assert dataset.origin == ("http", {"url": "https://www.openml.org/d/7"})
    asked = len(openml)
    assert asked >= 3
    assert load(given).digest == dataset.digest
    assert data.test_rows(given) is not None
    assert len(openml) == asked
    assert load(config(DataName.openml, tmp_path, dataset_id=7, label="kind")).class_names == ["black", "green"]


@pytest.mark.usefixtures("openml")
def test_a_number_that_openml_does_not_know_and_a_network_that_is_down_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match=r"data\.dataset_id=8: "):
        load(config(DataName.openml, tmp_path, dataset_id=8))
    with pytest.raises(DataError, match=r"data\.dataset_id=7: cannot be read .*flavor"):
        load(config(DataName.openml, tmp_path, dataset_id=7, label="flavor"))

    def down(*_: Any, **__: Any) -> None:
        raise URLError("Network is unreachable")

    monkeypatch.setattr(_openml, "urlopen", down)
    with pytest.raises(DataUnavailableError, match=r"data\.dataset_id=9: is not below .* cannot be downloaded"):
        load(config(DataName.openml, tmp_path, dataset_id=9))

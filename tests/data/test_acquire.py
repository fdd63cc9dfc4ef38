"""Downloads from a real HTTP server, by torchvision's own classes: complete files or none, one process at a time."""

import gc
import gzip
import hashlib
import os
import pickle
import tarfile
import threading
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from mlplab.data import acquire, idx
from mlplab.data.catalog import CATALOG, IdxSource, _emnist
from mlplab.data.idx import IdxFile
from mlplab.data_config import EmnistSplit
from mlplab.errors import DataError

SMALL_FILES = (
    IdxFile("train-images-idx3-ubyte", (30, 28, 28)),
    IdxFile("train-labels-idx1-ubyte", (30,)),
    IdxFile("t10k-images-idx3-ubyte", (10, 28, 28)),
    IdxFile("t10k-labels-idx1-ubyte", (10,)),
)
KMNIST = CATALOG["kmnist"]
assert isinstance(KMNIST, IdxSource)
SMALL = replace(KMNIST, files=SMALL_FILES)


def acquire_small(root: Path) -> Path:
    if not root.exists():
        root.mkdir()
    return acquire.acquire("kmnist", SMALL.download, root)


@dataclass
class Mirror:
    """A folder of archives that a local server serves; counts the requests."""

    folder: Path
    address: str = ""
    requests: Counter[str] = field(default_factory=Counter)


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    """A server on this machine, without files yet."""
    served = Mirror(tmp_path / "mirror")
    served.folder.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests[self.path.strip("/")] += 1
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(served.folder)))
    served.address = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield served
    server.shutdown()
    thread.join()
    server.server_close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()  # torchvision leaves the sockets of refused requests to garbage collection


def content_of(file: IdxFile) -> bytes:
    return file.header + np.random.default_rng(0).integers(1, 10, file.shape, dtype=np.uint8).tobytes()


def md5_of(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def kmnist(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> Mirror:
    """Serves a small KMNIST where torchvision looks for the large one."""
    resources = []
    for file in SMALL_FILES:
        archive = mirror.folder / f"{file.name}.gz"
        archive.write_bytes(gzip.compress(content_of(file)))
        resources.append((archive.name, md5_of(archive)))
    datasets = acquire.torchvision_datasets()
    monkeypatch.setattr(datasets.KMNIST, "mirrors", [mirror.address])
    monkeypatch.setattr(datasets.KMNIST, "resources", resources)
    return mirror


def test_a_split_of_emnist_is_upright_counts_labels_from_0_and_brings_the_others(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters, digits = (
        _emnist(EmnistSplit(split), 26, 30, 10, first) for split, first in (("letters", 1), ("digits", 0))
    )
    archive = mirror.folder / "gzip.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for described in (*letters.files, *digits.files):
            file.writestr(f"gzip/{described.name}.gz", gzip.compress(content_of(described)))
    datasets = acquire.torchvision_datasets()
    monkeypatch.setattr(datasets.EMNIST, "url", mirror.address + archive.name)
    monkeypatch.setattr(datasets.EMNIST, "md5", md5_of(archive))

    contents = letters.read(tmp_path)
    oracle = datasets.EMNIST(str(tmp_path), split="letters")
    np.testing.assert_array_equal(contents.train.pixels.reshape(-1, 28, 28), oracle.data.numpy().transpose(0, 2, 1))
    np.testing.assert_array_equal(contents.train.labels, oracle.targets.numpy() - 1)
    mirror.requests.clear()
    assert len(digits.read(tmp_path).test.labels) == 10
    assert not mirror.requests
    assert names(tmp_path / "EMNIST" / "raw") == {
        idx.CHECKSUMS_FILE, *(file.name for file in (*letters.files, *digits.files)),
    }  # fmt: skip


def test_cifar10_comes_in_colour_and_damage_is_named(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets, rng = acquire.torchvision_datasets(), np.random.default_rng(0)
    folder = mirror.folder / "cifar-10-batches-py"
    folder.mkdir()
    batches = [name for name, _ in (*datasets.CIFAR10.train_list, *datasets.CIFAR10.test_list)]
    for name in batches:
        batch = {"data": rng.integers(0, 256, (3, 3 * 32 * 32), dtype=np.uint8), "labels": [0, 9, 4]}
        (folder / name).write_bytes(pickle.dumps(batch))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    archive = mirror.folder / "cifar-10-python.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(folder, "cifar-10-batches-py")
    checked = [[name, md5_of(folder / name)] for name in batches]
    meta = {**datasets.CIFAR10.meta, "md5": md5_of(folder / "batches.meta")}
    for name, value in {
        "url": mirror.address + archive.name, "tgz_md5": md5_of(archive), "meta": meta,
        "train_list": checked[:-1], "test_list": checked[-1:],
    }.items():  # fmt: skip
        monkeypatch.setattr(datasets.CIFAR10, name, value)

    source = CATALOG["cifar10"]
    contents = source.read(tmp_path)
    assert contents.train.pixels.shape == (15, 3 * 32 * 32)
    assert contents.train.labels.tolist() == [0, 9, 4] * 5
    oracle = datasets.CIFAR10(str(tmp_path), train=False)
    np.testing.assert_array_equal(contents.test.pixels.reshape(-1, *source.image_shape), oracle.data)
    damaged = tmp_path / "cifar-10-batches-py" / "test_batch"
    damaged.write_bytes(b"not it")
    with pytest.raises(DataError, match=f"{damaged.parent}: files are damaged"):
        source.read(tmp_path)


@pytest.mark.parametrize(("entry", "torchvision_class"), [("emnist/letters", "EMNIST"), ("cifar10", "CIFAR10")])
def test_without_a_network_the_message_says_where_the_files_belong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str, torchvision_class: str
) -> None:
    refused = "http://127.0.0.1:9/archive"  # nobody listens there
    monkeypatch.setattr(getattr(acquire.torchvision_datasets(), torchvision_class), "url", refused)
    with pytest.raises(
        acquire.DataUnavailableError, match=rf"data={entry}: (?s:.*) cannot be downloaded (?s:.*)To run"
    ):
        CATALOG[entry].read(tmp_path)
    assert names(tmp_path) == {".acquire.lock"}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


REQUESTS_PER_FILE = 2  # torchvision first asks for redirects, then downloads
WHOLE = {*(file.name for file in SMALL_FILES), idx.CHECKSUMS_FILE}


def test_downloaded_files_are_whole_and_nothing_else_is_left(kmnist: Mirror, tmp_path: Path) -> None:
    folder = acquire_small(tmp_path / "data")
    assert names(folder) == WHOLE
    contents = SMALL.read(tmp_path / "data")
    assert contents.train.pixels.shape == (30, 784)
    assert contents.test.labels.shape == (10,)
    assert set(kmnist.requests.values()) == {REQUESTS_PER_FILE}


def test_existing_files_are_used_without_a_request(kmnist: Mirror, tmp_path: Path) -> None:
    acquire_small(tmp_path / "data")
    kmnist.requests.clear()
    acquire_small(tmp_path / "data")
    assert not kmnist.requests


def test_archives_placed_by_hand_are_unpacked_offline(kmnist: Mirror, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "KMNIST" / "raw"
    folder.mkdir(parents=True)
    for archive in kmnist.folder.iterdir():
        archive.rename(folder / archive.name)
    acquire_small(tmp_path / "data")
    assert names(folder) >= WHOLE
    assert not kmnist.requests


def test_a_damaged_download_leaves_no_folder(kmnist: Mirror, tmp_path: Path) -> None:
    archive = kmnist.folder / "t10k-images-idx3-ubyte.gz"
    archive.write_bytes(archive.read_bytes()[:-20])
    with pytest.raises(acquire.DataUnavailableError, match=r"cannot be downloaded(?s:.*)To run offline, put"):
        acquire_small(tmp_path / "data")
    assert names(tmp_path / "data") == {".acquire.lock"}


def test_a_folder_that_was_there_stays_when_a_download_fails(kmnist: Mirror, tmp_path: Path) -> None:
    for archive in kmnist.folder.iterdir():
        archive.unlink()
    (tmp_path / "data" / "KMNIST").mkdir(parents=True)
    with pytest.raises(acquire.DataUnavailableError):
        acquire_small(tmp_path / "data")
    assert names(tmp_path / "data") == {".acquire.lock", "KMNIST"}
    assert names(tmp_path / "data" / "KMNIST") == set()


def test_the_message_says_where_the_four_files_belong(kmnist: Mirror, tmp_path: Path) -> None:
    for archive in kmnist.folder.iterdir():
        archive.unlink()
    with pytest.raises(acquire.DataUnavailableError) as caught:
        acquire_small(tmp_path / "data")
    for part in [*WHOLE - {idx.CHECKSUMS_FILE}, str(tmp_path / "data" / "KMNIST" / "raw"), "MLPLAB_DATA_ROOT"]:
        assert part in str(caught.value)


def test_threads_that_acquire_at_once_download_once(kmnist: Mirror, tmp_path: Path) -> None:
    threads = [threading.Thread(target=acquire_small, args=(tmp_path / "data",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(kmnist.requests.values()) == {REQUESTS_PER_FILE}
    assert names(tmp_path / "data" / "KMNIST" / "raw") == WHOLE


def test_a_root_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=rf"data.root={tmp_path / 'file'}: cannot be written.*MLPLAB_DATA_ROOT"):
        acquire_small(tmp_path / "file")


@pytest.mark.timeout(20)  # reading a pipe would wait for ever
def test_a_pipe_in_place_of_an_archive_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "KMNIST" / "raw"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "train-images-idx3-ubyte.gz")
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.gz: cannot be read .is no regular file"):
        acquire_small(tmp_path)


@pytest.mark.timeout(20)
def test_a_pipe_in_place_of_a_file_of_cifar10_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in CATALOG["cifar10"].download.files:  # type: ignore[attr-defined]
        os.mkfifo(folder / name)
    with pytest.raises(DataError, match=f"{folder}: files are damaged"):
        CATALOG["cifar10"].read(tmp_path)

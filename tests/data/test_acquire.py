"""Downloads from a real HTTP server, by torchvision's own classes: complete files or none, one process at a time."""

import gc
import gzip
import hashlib
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from mlplab.data import acquire, idx
from mlplab.data.catalog import CATALOG, IdxSource
from mlplab.data.idx import IdxFile
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
    return acquire.acquire("kmnist", SMALL.download, root)


@dataclass
class Mirror:
    """A folder of archives that a local server serves; counts the requests."""

    folder: Path
    requests: Counter[str] = field(default_factory=Counter)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """Serve a small KMNIST at the address where torchvision looks for the real one."""
    served = Mirror(tmp_path / "mirror")
    served.folder.mkdir()
    rng = np.random.default_rng(0)
    resources = []
    for file in SMALL_FILES:
        content = file.header + rng.integers(0, 10, file.shape, dtype=np.uint8).tobytes()
        archive = served.folder / f"{file.name}.gz"
        archive.write_bytes(gzip.compress(content))
        resources.append((archive.name, hashlib.md5(archive.read_bytes()).hexdigest()))

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests[self.path.strip("/")] += 1
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(served.folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    datasets = acquire.torchvision_datasets()
    monkeypatch.setattr(datasets.KMNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
    monkeypatch.setattr(datasets.KMNIST, "resources", resources)
    yield served
    server.shutdown()
    thread.join()
    server.server_close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()  # torchvision leaves the sockets of refused requests to garbage collection


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


REQUESTS_PER_FILE = 2  # torchvision first asks for redirects, then downloads
WHOLE = {*(file.name for file in SMALL_FILES), idx.CHECKSUMS_FILE}


def test_downloaded_files_are_whole_and_nothing_else_is_left(mirror: Mirror, tmp_path: Path) -> None:
    folder = acquire_small(tmp_path / "data")
    assert names(folder) == WHOLE
    contents = SMALL.read(tmp_path / "data")
    assert contents.train.pixels.shape == (30, 784)
    assert contents.test.labels.shape == (10,)
    assert set(mirror.requests.values()) == {REQUESTS_PER_FILE}


def test_existing_files_are_used_without_a_request(mirror: Mirror, tmp_path: Path) -> None:
    acquire_small(tmp_path / "data")
    mirror.requests.clear()
    acquire_small(tmp_path / "data")
    assert not mirror.requests


def test_archives_placed_by_hand_are_unpacked_offline(mirror: Mirror, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "KMNIST" / "raw"
    folder.mkdir(parents=True)
    for archive in mirror.folder.iterdir():
        archive.rename(folder / archive.name)
    acquire_small(tmp_path / "data")
    assert names(folder) >= WHOLE
    assert not mirror.requests


def test_a_damaged_download_gets_no_final_name(mirror: Mirror, tmp_path: Path) -> None:
    archive = mirror.folder / "t10k-images-idx3-ubyte.gz"
    archive.write_bytes(archive.read_bytes()[:-20])
    with pytest.raises(acquire.DataUnavailableError, match=r"cannot be downloaded.*To run offline, put"):
        acquire_small(tmp_path / "data")
    assert names(tmp_path / "data" / "KMNIST" / "raw") == set()


def test_the_message_says_where_the_four_files_belong(mirror: Mirror, tmp_path: Path) -> None:
    for archive in mirror.folder.iterdir():
        archive.unlink()
    with pytest.raises(acquire.DataUnavailableError) as caught:
        acquire_small(tmp_path / "data")
    for part in [*WHOLE - {idx.CHECKSUMS_FILE}, str(tmp_path / "data" / "KMNIST" / "raw"), "MLPLAB_DATA_ROOT"]:
        assert part in str(caught.value)


def test_threads_that_acquire_at_once_download_once(mirror: Mirror, tmp_path: Path) -> None:
    threads = [threading.Thread(target=acquire_small, args=(tmp_path / "data",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(mirror.requests.values()) == {REQUESTS_PER_FILE}
    assert names(tmp_path / "data" / "KMNIST" / "raw") == WHOLE


def test_a_root_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=rf"data.root={tmp_path / 'file'}: cannot be written.*MLPLAB_DATA_ROOT"):
        acquire_small(tmp_path / "file")

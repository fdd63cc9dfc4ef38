"""Text artifacts of many runs, side by side, from where they lie: looking a run up takes longer than reading it."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from mlplab.errors import StoreError
from mlplab.store import server_routes
from mlplab.store.server_routes import UnexpectedAnswerError
from mlplab.store.snapshot import Snapshot
from mlplab.store.store import Store
from mlplab.store.uri import is_server

# Requests. A file takes a server 5 ms, but its last bytes wait 40 ms for the acknowledgement of the first ones. With
# those for histories beside them it is ten: as many connections as MLflow's client keeps.
SIDE_BY_SIDE = 6


def read_texts(store: Store, folders: Mapping[str, str], name: str) -> dict[str, str]:
    """Return an artifact of each run that has it, by run id.

    Args:
        store: has the runs.
        folders: MLflow's ``artifact_uri`` of each run, by run id.
        name: of the artifact.

    Raises:
        StoreError: the store does not answer, or the file cannot be read.
    """
    known = store.texts if isinstance(store, Snapshot) else {}
    unknown = [run_id for run_id in folders if (run_id, name) not in known]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        texts = pool.map(lambda run_id: _read(store, run_id, folders[run_id], name), unknown)
        known |= {(run_id, name): text for run_id, text in zip(unknown, texts, strict=True)}
    return {run_id: text for run_id in folders if (text := known[run_id, name]) is not None}


def _read(store: Store, run_id: str, folder: str, name: str) -> str | None:
    place = urlparse(folder)
    if place.scheme in ("", "file"):
        return _read_file(Path(url2pathname(place.path)) / name)
    if is_server(store.uri) and place.scheme == server_routes.PROXIED:
        try:
            return server_routes.get_artifact(store.uri, folder, name)
        except UnexpectedAnswerError:
            pass  # perhaps the run has no such artifact: that is for the client to tell
    return store.read_artifacts(run_id, name)[0]


def _read_file(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{file}: cannot be read ({error.strerror}); make it readable") from error

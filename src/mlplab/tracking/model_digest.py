"""The digest of a saved model: what a store gives back can be told from what a run saved."""

import hashlib
import json
from pathlib import Path

import yaml

CARD = "MLmodel"
# What MLflow, or a migration into another store, writes into the card afterwards: names of places, which run nothing.
_CHANGED_BY_LOGGING = ("artifact_path", "model_id", "run_id")


def digest_of_model(folder: Path) -> str:
    """Return the SHA-256 over the paths and contents of a model's files, as text.

    Of the card, MLmodel, the entries that logging changes are left out. A link counts by what it leads to.

    Raises:
        OSError: a file cannot be read.
        ValueError: it has no card, or one that is no YAML.
    """
    digest = hashlib.sha256()
    files = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    if CARD not in dict(files):
        raise ValueError(f"{folder}: has no {CARD}")
    for name, path in files:
        content = _card(path) if name == CARD else path.read_bytes()
        # With their lengths: no byte can pass from a name into a content, or from one file into the next.
        digest.update(f"{len(name)} {len(content)} {name}".encode() + content)
    return digest.hexdigest()


def _card(path: Path) -> bytes:
    try:
        card = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: is no YAML") from error
    kept = {key: value for key, value in dict(card or {}).items() if key not in _CHANGED_BY_LOGGING}
    return json.dumps(kept, sort_keys=True, default=str).encode()

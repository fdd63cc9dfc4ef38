"""Deliver a file of a run to MLflow; one that the store refuses is kept beside the journal."""

import logging
from pathlib import PurePosixPath

import requests
from mlflow.exceptions import MlflowException

from mlplab.store.faults import is_away, reason_of
from mlplab.store.store import Store
from mlplab.tracking.journal import Journal

log = logging.getLogger(__name__)

REFUSED = "refused"  # folder beside the journal: artifacts that the store would not take


def deliver_artifact(store: Store, journal: Journal, run_id: str, path: str) -> None:
    """Deliver the artifact with this path below the journal's; again and again with the result of once.

    Raises:
        Exception: as MLflow raises it, where the store is away.
    """
    file, folder = journal.artifacts / path, PurePosixPath(path).parent
    if not file.exists():  # somebody removed it, and there is nothing to send
        return
    try:
        store.client.log_artifact(run_id, str(file), None if folder == PurePosixPath() else str(folder))
    except (MlflowException, requests.RequestException) as error:
        if is_away(store.uri, error):
            raise
        kept = journal.folder / REFUSED / path
        kept.parent.mkdir(parents=True, exist_ok=True)
        file.replace(kept)  # an artifact less, never a run less
        log.warning("MLflow refuses an artifact (%s); it is kept as %s", reason_of(error), kept)

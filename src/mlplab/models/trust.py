"""Only a model that this project saved is loaded: its files must have the digest that its run has recorded.

Loading a model runs code that lies in it. Whoever can write files into a store, and not the tags of its runs, can so
make nobody run theirs.
"""

from pathlib import Path

from mlplab.commands import typed_command
from mlplab.errors import StoreError
from mlplab.schema import MODEL
from mlplab.store.store import Store
from mlplab.tracking.model_digest import digest_of_model


class UntrustedModelError(StoreError):
    """The files of a model are not those that a run of this project saved."""


def fetch_model(store: Store, run_id: str, digest: str | None, folder: Path) -> Path:
    """Copy the model of a run into a folder, verify it, and return where its files are.

    Args:
        store: has the run.
        run_id: of the run.
        digest: that the run has recorded; None for none.
        folder: exists, and is empty.

    Raises:
        UntrustedModelError: no digest was recorded, or the files have another one, or lead out of the folder.
        StoreError: the store does not answer, or the run has no model.
    """
    if digest is None:
        raise UntrustedModelError(
            f"run {run_id}: has recorded no digest of its model, so that nobody can tell who wrote it; train it anew "
            f"with `{typed_command('train')}`, or load it yourself with mlflow.pyfunc, if you trust its store"
        )
    with store.explaining():
        if not store.client.list_artifacts(run_id, MODEL):
            raise StoreError(f"run {run_id}: the store has no model of it (yet: `{typed_command('sync')}` sends it)")
        place = Path(store.client.download_artifacts(run_id, MODEL, str(folder)))
    _require_inside(run_id, place, folder)
    try:
        found = digest_of_model(place)
    except (ValueError, TypeError, OSError) as error:
        raise UntrustedModelError(f"run {run_id}: its model is damaged ({error}); restore its store") from error
    if found != digest:
        raise UntrustedModelError(
            f"run {run_id}: the files of its model are not those that it saved (their digest is {found[:12]}..., "
            f"recorded was {digest[:12]}...); nothing of them was loaded. Restore the store's artifacts, or train anew"
        )
    return place


def _require_inside(run_id: str, place: Path, folder: Path) -> None:
    root = folder.resolve()
    for path in (place, *place.rglob("*")):
        if path.is_symlink() or not path.resolve().is_relative_to(root):
            raise UntrustedModelError(
                f"run {run_id}: {path.name} in its model leads elsewhere; nothing of it was loaded. Restore the "
                "store's artifacts, or train anew"
            )

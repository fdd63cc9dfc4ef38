"""Only a model that this project saved is loaded: its files must have the digest that its run has recorded.

Loading a model runs code that lies in it. Whoever can write files into a store, and not the tags of its runs, can so
make nobody run theirs.
"""

from pathlib import Path

from mlflow.entities import Run

from mlplab.commands import typed_command
from mlplab.errors import StoreError
from mlplab.schema import MODEL_DIGEST_TAG
from mlplab.store.model_files import copy_model_files
from mlplab.store.store import Store
from mlplab.tracking.model_digest import digest_of_model


class UntrustedModelError(StoreError):
    """The files of a model are not those that a run of this project saved."""


def fetch_model(store: Store, run: Run, folder: Path) -> Path:
    """Copy the model of a run into a folder, verify it, and return where its files are.

    Args:
        store: has the run.
        run: as MLflow has it.
        folder: exists, and is empty.

    Raises:
        UntrustedModelError: no digest was recorded, or the files have another one, or lead out of the folder.
        StoreError: the store does not answer, or the run has no model.
    """
    run_id, digest = run.info.run_id, run.data.tags.get(MODEL_DIGEST_TAG)
    if digest is None:
        raise UntrustedModelError(
            f"run {run_id}: has recorded no digest of its model, so that nobody can tell who wrote it; train it anew "
            f"with `{typed_command('train')}`, or load it yourself with mlflow.pyfunc, if you trust its store"
        )
    place = copy_model_files(store, run, folder)
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

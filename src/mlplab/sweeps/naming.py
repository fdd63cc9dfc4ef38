"""A name that was typed for a sweep belongs to one sweep, also when two are started at the same moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock

from mlplab.errors import ConfigError
from mlplab.paths import PROJECT_ROOT
from mlplab.schema import OWN_SWEEP_TAG, SWEEP_TAG
from mlplab.store.store import Store
from mlplab.tracking.journaled import read_journal
from mlplab.tracking.outbox import unsent_folders

_LOCK = PROJECT_ROOT / "outputs" / ".sweep-names.lock"
_SECONDS = 60.0


@contextmanager
def new_name(sweep: str, store: Store) -> Iterator[None]:
    """Hold back other sweeps of this project until the block, in which this one begins, has ended.

    Raises:
        ConfigError: another sweep has the name.
        StoreError: the store does not answer.
    """
    _LOCK.parent.mkdir(exist_ok=True)
    with FileLock(_LOCK, timeout=_SECONDS):
        if _is_taken(sweep, store):
            raise ConfigError(
                f"tracking.sweep={sweep}: there is a sweep of this name; resume=true continues it if the command is "
                "the same; otherwise choose another name"
            )
        yield


def _is_taken(sweep: str, store: Store) -> bool:
    if any(store.search(f"tags.`{tag}` = '{sweep}'") for tag in (SWEEP_TAG, OWN_SWEEP_TAG)):
        return True
    journals = [read_journal(folder) for folder in unsent_folders()]
    return any(journal is not None and journal.tags.get(OWN_SWEEP_TAG) == sweep for journal in journals)

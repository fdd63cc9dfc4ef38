"""Whether somebody still works on a sweep: on this machine its claims tell, elsewhere the store."""

import time
from pathlib import Path

from mlplab.errors import ClaimedError
from mlplab.schema import SWEEP_TAG, State
from mlplab.store.store import Store
from mlplab.sweeps.manifest import Manifest
from mlplab.sweeps.membership import take_over
from mlplab.sweeps.record import Recorded, journals_of
from mlplab.tracking.journaled import read_journal
from mlplab.tracking.lease import end_silent
from mlplab.tracking.vanished import journal_of

ORPHAN_SECONDS = 15.0  # in which the workers of a launcher that was killed end


def require_at_rest(former: Recorded, store: Store, lease: float) -> None:
    """Raise ClaimedError if a process carries the sweep out, or one of its members; wait for orphans to end.

    Runs on other machines that give no sign of life for ``lease`` seconds are ended as KILLED.
    """
    manifest = former.manifest
    own = read_journal(Path(manifest.folder))
    if own is not None and own.state is State.running:
        raise ClaimedError(_message(manifest, str(own.owner)))
    take_over(Path(manifest.folder))
    deadline = time.monotonic() + ORPHAN_SECONDS
    while running := [run for run in journals_of(manifest).values() if run.state is State.running]:
        if time.monotonic() > deadline:
            raise ClaimedError(_message(manifest, str(running[0].owner)))
        time.sleep(0.2)
    members = store.search(f"tags.{SWEEP_TAG} = '{manifest.sweep}' and attributes.status = 'RUNNING'")
    elsewhere = [run for run in [former.run, *members] if run.info.status == "RUNNING" and journal_of(run) is None]
    end_silent(store, elsewhere, lease, _is_running(manifest))


def _message(manifest: Manifest, owner: str) -> str:
    return f"{_is_running(manifest)}, by {owner}; wait for it, or stop it"


def _is_running(manifest: Manifest) -> str:
    return f"resume=true: sweep {manifest.sweep} is still running"

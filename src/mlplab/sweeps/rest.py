"""Whether somebody still works on a sweep: on this machine its claims tell, elsewhere the store."""

import time
from pathlib import Path

from mlplab.errors import ClaimedError
from mlplab.schema import SWEEP_TAG, State
from mlplab.store.store import Store
from mlplab.sweeps.manifest import Manifest
from mlplab.sweeps.record import Recorded, journals_of
from mlplab.terminal import count_of, say
from mlplab.tracking.journaled import read_journal
from mlplab.tracking.lease import end_silent
from mlplab.tracking.vanished import journal_of

ORPHAN_SECONDS = 15.0  # in which the workers of a launcher that was killed end; a cluster's jobs go on


def require_at_rest(former: Recorded, store: Store, lease: float) -> None:
    """Raise ClaimedError if a process carries the sweep out.

    Runs on other machines that give no sign of life for ``lease`` seconds are ended as KILLED.
    """
    manifest = former.manifest
    own = read_journal(Path(manifest.folder))
    if own is not None and own.state is State.running:
        raise ClaimedError(_message(manifest, str(own.owner)))
    members = store.search(f"tags.{SWEEP_TAG} = '{manifest.sweep}' and attributes.status = 'RUNNING'")
    elsewhere = [run for run in [former.run, *members] if run.info.status == "RUNNING" and journal_of(run) is None]
    end_silent(store, elsewhere, lease, _is_running(manifest))


def wait_for_orphans(manifest: Manifest) -> None:
    """Wait for members that a former command left at work. The caller has the claim of the sweep's own run."""
    deadline, has_said = time.monotonic() + ORPHAN_SECONDS, False
    while running := [run for run in journals_of(manifest).values() if run.state is State.running]:
        if time.monotonic() > deadline and not has_said:
            has_said = True
            runs = count_of(len(running), "run")
            say(f"waiting for {runs} that a former command left at work, such as {running[0].owner}; Ctrl-C ends this")
        time.sleep(0.2)


def _message(manifest: Manifest, owner: str) -> str:
    return f"{_is_running(manifest)}, by {owner}; wait for it, or stop it"


def _is_running(manifest: Manifest) -> str:
    return f"resume=true: sweep {manifest.sweep} is still running"

"""Whether runs on other machines still live: they are watched as long as their lease lasts, by this machine's clock.

A run shows that it lives by a heartbeat, a tag that it changes. One that did not change while the store answered all
the time has lost its lease: its process is gone, or will notice before it sends anything more.
"""

import time
from collections.abc import Sequence

from mlflow.entities import Run

from mlplab.errors import ClaimedError
from mlplab.schema import HEARTBEAT_TAG
from mlplab.store.store import Store
from mlplab.terminal import say
from mlplab.tracking.process import Process

_LOOKS = 20  # in one lease


def end_silent(store: Store, runs: Sequence[Run], lease: float, said: str) -> None:
    """Watch runs that are RUNNING on other machines, and end as KILLED those that give no sign of life.

    Args:
        runs: without a journal on this machine.
        lease: in seconds.
        said: how the message for a run that lives begins.

    Raises:
        ClaimedError: one of them lives, or does not show whether it does.
        StoreError: the store did not answer all the time: then nothing is known.
    """
    if not runs:
        return
    beats = {run.info.run_id: run.data.tags.get(HEARTBEAT_TAG) for run in runs}
    for run in runs:
        if beats[run.info.run_id] is None:
            raise ClaimedError(f"{said}, by {_owner(run)}; wait for it, or stop it")
    say(f"{_owner(runs[0])} may still be at work: waiting up to {lease:g} s for a sign of life")
    deadline = time.monotonic() + lease
    while time.monotonic() < deadline:
        time.sleep(lease / _LOOKS)
        for run in store.find(list(beats)):
            if run.info.status != "RUNNING":
                del beats[run.info.run_id]
            elif run.data.tags.get(HEARTBEAT_TAG) != beats[run.info.run_id]:
                raise ClaimedError(f"{said}, by {_owner(run)}; wait for it, or stop it")
        if not beats:
            return
    with store.explaining():
        for run_id in beats:
            store.client.set_terminated(run_id, "KILLED")


def _owner(run: Run) -> str:
    return str(Process.from_tags(run.data.tags) or f"the process of run {run.info.run_id}")

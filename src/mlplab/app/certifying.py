"""What a run again says: at its beginning what is another now, at its end the certificate."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlplab.app.own_process import threads_before
from mlplab.commands import typed_command
from mlplab.errors import StoreAwayError
from mlplab.rerun.certificate import Certificate, certify, keep_certificate
from mlplab.rerun.differences import Difference
from mlplab.rerun.recorded import Recorded
from mlplab.schema import THREADS_TAG, State
from mlplab.store.store import Store
from mlplab.terminal import say, say_rows
from mlplab.tracking.earlier import state_of
from mlplab.tracking.identity import count_threads

if TYPE_CHECKING:
    from mlplab.run.pipeline import Result


def say_beginning(recorded: Recorded, differences: Sequence[Difference], notes: Sequence[str]) -> None:
    """Say which run is run again, and what is another now."""
    say(f"run {recorded.run_id} again: {recorded.name}")
    texts = [str(one) for one in differences] or ["nothing that was recorded"]
    for number, text in enumerate(texts):
        say_rows({"" if number else "differs": text})
    before, then = threads_before(), recorded.tags.get(THREADS_TAG)
    if before is not None and then == str(count_threads()):
        say_rows({"threads": f"{then}, as then; this command began again for that (otherwise {before})"})
    for note in notes:
        say_rows({"note": note})
    if recorded.state is State.killed:
        say_rows({"note": "it was killed: its points are compared as far as it came"})


def require_in_store(store: Store, result: "Result") -> str:
    """Return the id of the run again. Raises StoreAwayError: the store does not have all of it."""
    ended = [] if result.run_id is None else store.find([result.run_id])
    if not ended or state_of(ended[0]) is not State.finished:
        raise StoreAwayError(
            "the store does not have all of the run; nothing is lost: "
            f"`{typed_command('sync')}` sends it. There is no certificate: type this again when the store answers"
        )
    return str(ended[0].info.run_id)


def conclude_again_as(
    store: Store,
    recorded: Recorded,
    again: str,
    tolerance: float,
    differences: Sequence[Difference],
    notes: Sequence[str],
) -> Certificate:
    """Compare the two, say the certificate, and keep it with both."""
    whole = recorded.state is State.finished
    found = certify(store, (recorded.run_id, again), tolerance, differences, notes, whole)
    keep_certificate(store, found)
    for line in found.lines():
        say(line)
    return found

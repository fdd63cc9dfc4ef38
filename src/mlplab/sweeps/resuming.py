"""Whether a sweep can be resumed, and how it begins or goes on."""

from hydra.core.utils import JobReturn

from mlplab.store.target import Target
from mlplab.sweeps.execution import Sweep
from mlplab.sweeps.naming import new_name
from mlplab.sweeps.record import Recorded
from mlplab.sweeps.rest import require_at_rest
from mlplab.terminal import say
from mlplab.tracking.reading import Reading


def require_resumable(former: Recorded | None, reading: Reading, target: Target) -> Recorded | None:
    """Return the sweep to resume; None if there is none, and another is to begin.

    Raises:
        ClaimedError: somebody still works on it.
        StoreError: the store, which is away, would have to tell whether there is one.
    """
    if former is not None:
        require_at_rest(former, reading.store, target.lease)
        return former
    if reading.is_stand_in:
        raise target.unknown_past()
    say("resume=true: the store has no sweep of this command; starting a new one")
    return None


def carry_out_or_resume(sweep: Sweep, resumed: Recorded | None, reading: Reading) -> list[JobReturn]:
    """Carry the sweep out; ``resumed``: as a continuation of that one. Raises what :meth:`Sweep.carry_out` raises."""
    if resumed:
        return sweep.carry_out(goes_on=True, resumed=None if reading.is_stand_in else resumed.run.info.run_id)
    if sweep.settings.tracking.sweep is None:  # a name of its own, with time and chance in it
        return sweep.carry_out()
    return sweep.carry_out(named=new_name(sweep.settings.tracking.sweep, reading.store))

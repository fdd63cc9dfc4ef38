"""One run, run again, with as many threads as then."""

from mlplab.app import composition
from mlplab.app.guest import own_log
from mlplab.app.in_worktree import carry_out_old_code
from mlplab.app.own_process import begin_again_with
from mlplab.app.rerun_options import RerunOptions
from mlplab.app.with_code_here import carry_out_here
from mlplab.rerun.certificate import Certificate
from mlplab.rerun.recorded import Recorded, recorded_run
from mlplab.schema import THREADS_TAG
from mlplab.store.store import Store
from mlplab.tracking.identity import count_threads


def carry_out_again(store: Store, run_id: str, options: RerunOptions) -> Certificate:
    """Run one run again, and keep the certificate with both.

    Raises:
        ConfigError: it cannot be run again; the message says why.
        DataError: its data is not here, or is not the same any more.
        StoreError: the store does not answer.
    """
    recorded = recorded_run(store, run_id)
    _use_threads_of(recorded)
    composition.register()
    carry_out = carry_out_old_code if options.checkout else carry_out_here
    with own_log():
        return carry_out(store, recorded, options)


def _use_threads_of(recorded: Recorded) -> None:
    then, now = recorded.tags.get(THREADS_TAG, ""), count_threads()
    if then.isdecimal() and int(then) not in (0, now):
        begin_again_with(int(then), now)

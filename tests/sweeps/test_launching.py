"""What a launch returns of members that have ended before."""

import pytest
from hydra.core.utils import JobStatus

from mlplab.errors import SweepError
from mlplab.schema import State, final_accuracy
from mlplab.sweeps.launching import recorded_return
from mlplab.sweeps.manifest import FrozenJob
from mlplab.sweeps.record import Member

JOB = FrozenJob(0, "job", {}, {"seed": 0})
FINAL = {State.finished: {final_accuracy("test"): 0.9}, State.pruned: {"time/total_seconds": 1.0}}


@pytest.mark.parametrize("state", State)
def test_what_is_done_returns_its_result_and_what_was_pruned_none(state: State) -> None:
    returned = recorded_return(JOB, Member("id", state, FINAL.get(state, {}), error="diverged"))
    if state.is_done:
        assert returned.status is JobStatus.COMPLETED
        assert returned.return_value == (0.9 if state is State.finished else None)
    else:
        assert returned.status is JobStatus.FAILED
        with pytest.raises(SweepError, match="diverged"):
            returned.return_value  # noqa: B018

"""The trials of a search, by the numbers of its jobs: what was measured of a job is told to Optuna, once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import optuna
from optuna.study import Study
from optuna.trial import TrialState

from mlplab.schema import State
from mlplab.selection_config import Monitor
from mlplab.sweeps.record import Member
from mlplab.sweeps.search.study import jobs_and_trials


@dataclass
class Trials:
    """The trial of every job.

    Attributes:
        monitor: the metric that the study is about.
    """

    study: Study
    monitor: Monitor
    _numbers: dict[int, int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._numbers |= {job.number: trial.number for job, trial in jobs_and_trials(self.study)}

    def __getitem__(self, job: int) -> int:
        """Return the number of a job's trial."""
        return self._numbers[job]

    def note(self, job: int, trial: optuna.Trial) -> None:
        """Keep which trial a job is."""
        self._numbers[job] = trial.number

    def is_open(self, job: int) -> bool:
        """Whether nothing was told of the job yet."""
        return not self.study.get_trials(deepcopy=False)[self._numbers[job]].state.is_finished()

    def params(self, job: int) -> dict[str, object]:
        """Return what was proposed for a job."""
        return self.study.get_trials(deepcopy=False)[self._numbers[job]].params

    def tell(self, job: int, value: float | None) -> None:
        """Tell the final value of a job; None: it was pruned."""
        if not self.is_open(job):
            return
        if value is None:
            self.study.tell(self._numbers[job], state=TrialState.PRUNED)
        else:
            self.study.tell(self._numbers[job], value)

    def tell_failure(self, job: int) -> None:
        """Tell that a job has failed."""
        if self.is_open(job):
            self.study.tell(self._numbers[job], state=TrialState.FAIL)

    def catch_up(self, members: Mapping[int, Member]) -> None:
        """Tell what has ended while nobody told: the command that searched was killed."""
        for trial in self.study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
            if trial.number not in self._numbers.values():
                self.study.tell(trial.number, state=TrialState.FAIL)  # a proposal that never became a job
        for job in self._numbers:
            member = members.get(job)
            if member is not None and member.state is State.finished:
                self.tell(job, member.final[self.monitor.final_metric])
            elif member is not None and member.state is State.pruned:
                self.tell(job, None)

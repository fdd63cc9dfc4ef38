"""When a search ends before all its trials have run: nothing better comes any more, or its time is over."""

import time
from dataclasses import dataclass, field

from optuna.study import Study, StudyDirection
from optuna.trial import TrialState

from mlplab.config import TrainConfig
from mlplab.sweeps.search.study import jobs_and_trials
from mlplab.terminal import format_duration

_SECONDS = "seconds"  # the attribute of a study that has how long its commands worked on it


@dataclass
class Limits:
    """The limits of one search, over all the commands that work on it."""

    study: Study
    settings: TrainConfig
    _begin: float = field(default_factory=time.monotonic, init=False)
    _before: float = field(init=False)

    def __post_init__(self) -> None:
        self._before = float(self.study.user_attrs.get(_SECONDS, 0.0))

    def note_time(self) -> None:
        """Keep how long the search has taken, for a resume."""
        if self.settings.time_limit is not None:
            self.study.set_user_attr(_SECONDS, self._seconds)

    @property
    def _seconds(self) -> float:
        return self._before + time.monotonic() - self._begin

    def reached(self) -> str | None:
        """Say which limit the search has reached; None: it goes on."""
        limit, patience = self.settings.time_limit, self.settings.patience
        if limit is not None and self._seconds >= limit:
            return f"time_limit={limit:g}: the search has taken {format_duration(self._seconds)}"
        if patience is not None and runs_without_improvement(self.study) >= patience:
            return f"patience={patience}: the last {patience} runs were no better than the best before"
        return None


def runs_without_improvement(study: Study) -> int:
    """Return how many trials have ended since the best value was found; 0 as long as there is none."""
    ended = [trial for _, trial in jobs_and_trials(study) if trial.state.is_finished()]
    ended.sort(key=lambda trial: str(trial.datetime_complete))
    values = [trial.value if trial.state is TrialState.COMPLETE else None for trial in ended]
    known = [value for value in values if value is not None]
    if not known:
        return 0
    best = max(known) if study.direction is StudyDirection.MAXIMIZE else min(known)
    return len(values) - 1 - values.index(best)

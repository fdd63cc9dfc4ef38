"""What a member of a search does: it reports its validation metric, and asks whether others have left it behind."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

import optuna
from optuna.exceptions import StorageInternalError

from mlplab.config import Pruning, TrainConfig
from mlplab.errors import ConfigError
from mlplab.sweeps.search.study import STUDY_FILE, make_pruner, open_storage

_BEHIND = "behind"  # the attribute of a trial that has at which step others had left it behind

log = logging.getLogger(__name__)


@dataclass
class TrialPruner:
    """Optuna's decision about one trial, as :class:`mlplab.training.judge.Pruner`.

    Attributes:
        reported: steps, by Optuna's count from 0, at which it knows the value: after a resume some already.
    """

    trial: optuna.Trial
    kind: Pruning
    reported: set[int]
    _has_warned: bool = field(default=False, init=False)

    def report(self, point: int, value: float) -> str | None:
        """Take the monitored value at point 1, 2, ...; return why the run is to stop, or None."""
        step = point - 1
        if step < max(self.reported, default=-1):
            return None  # before the run was resumed it went on from here
        try:
            is_behind = self._is_behind(step, value)
        except (StorageInternalError, OSError) as error:
            self._warn(error)
            return None
        return f"pruner={self.kind}: others were better after {point} points" if is_behind else None

    def _is_behind(self, step: int, value: float) -> bool:
        if step not in self.reported:
            self.trial.report(value, step)
            self.reported.add(step)
        # Asked a second time, successive halving would look at its next rung: it is asked once, and the answer kept.
        if self.trial.user_attrs.get(_BEHIND) == step:
            return True
        is_behind = self.trial.should_prune()
        if is_behind:
            self.trial.set_user_attr(_BEHIND, step)
        return is_behind

    def _warn(self, error: Exception) -> None:
        if not self._has_warned:
            self._has_warned = True
            log.warning("the study of this search cannot be asked (%s): the run goes on, unpruned", error)


def trial_pruner(settings: TrainConfig, folder: Path) -> TrialPruner | None:
    """Return what may prune this member of the sweep in ``folder``; None where nothing does.

    Raises:
        ConfigError: this machine does not have the study.
    """
    sweep = settings.tracking.sweep
    if settings.trial is None or settings.pruner is Pruning.none or sweep is None:
        return None
    if settings.search_storage is None and not (folder / STUDY_FILE).exists():
        raise ConfigError(
            f"search_storage=null: this machine does not have {folder / STUDY_FILE}, by which the runs of a search "
            "compare themselves; share the folder, or set search_storage to a database that all machines reach"
        )
    storage = open_storage(settings, folder)
    # Optuna's public way to continue a trial of another process is its storage, whose numbers a Trial takes.
    study_id = storage.get_study_id_from_name(sweep)
    trial_id = storage.get_trial_id_from_study_id_trial_number(study_id, settings.trial)
    study = optuna.load_study(study_name=sweep, storage=storage, pruner=make_pruner(settings.pruner))
    reported = set(storage.get_trial(trial_id).intermediate_values)
    return TrialPruner(optuna.Trial(study, trial_id), settings.pruner, reported)

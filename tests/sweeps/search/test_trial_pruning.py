"""A member is pruned where Optuna prunes it, also after it was killed and went on from an earlier point."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from mlplab.config import Pruning, TrainConfig
from mlplab.errors import ConfigError
from mlplab.sweeps.search.job_trials import Trials
from mlplab.sweeps.search.study import STUDY_FILE, create_study, make_pruner
from mlplab.sweeps.search.trial_pruning import TrialPruner, trial_pruner

POINTS = 10
SWEEP = "s"


def curves(count: int) -> list[list[float]]:
    """Accuracies that rise to different heights at different rates, with noise."""
    rng = np.random.default_rng(5)
    heights, rates = rng.uniform(0.3, 0.98, count), rng.uniform(0.1, 0.9, count)
    steps = np.arange(1, POINTS + 1)
    return [
        list(height * (1 - np.exp(-rate * steps)) + rng.normal(0, 0.01, POINTS))
        for height, rate in zip(heights, rates, strict=True)
    ]


def by_optuna(kind: Pruning, recorded: Sequence[Sequence[float]]) -> list[int | None]:
    """The point at which Optuna itself prunes each curve, one after the other; None where it does not."""
    study = optuna.create_study(study_name=SWEEP, direction="maximize", pruner=make_pruner(kind))
    pruned: list[int | None] = []
    for curve in recorded:
        trial = study.ask()
        for step, value in enumerate(curve):
            trial.report(value, step)
            if trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                pruned.append(step + 1)
                break
        else:
            study.tell(trial, curve[-1])
            pruned.append(None)
    return pruned


Build = Callable[..., TrainConfig]


def open_trial(build: Build, kind: Pruning, number: int, folder: Path) -> TrialPruner:
    member = build("data.val_size=10", f"pruner={kind}", f"trial={number}", f"tracking.sweep={SWEEP}")
    opened = trial_pruner(member, folder)
    assert opened is not None
    return opened


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in Pruning if kind is not Pruning.none])
def test_every_decision_is_optunas_however_often_the_run_is_killed(
    kind: Pruning, settings: Build, tmp_path: Path
) -> None:
    recorded = curves(10)
    study = create_study(settings("data.val_size=10", f"pruner={kind}"), tmp_path, SWEEP)
    pruned: list[int | None] = []
    for number, curve in enumerate(recorded):
        trial = study.ask()
        pruned.append(point_where_pruned(settings, kind, number, tmp_path, curve))
        if pruned[-1] is None:
            study.tell(trial, curve[-1])
        else:
            study.tell(trial, state=TrialState.PRUNED)
    assert pruned == by_optuna(kind, recorded)
    assert any(pruned), "nothing was pruned"


def point_where_pruned(build: Build, kind: Pruning, number: int, folder: Path, curve: Sequence[float]) -> int | None:
    """Report a curve from a run that is killed at every third point, and goes on from two points before."""
    point, kills, run = 1, 0, open_trial(build, kind, number, folder)
    while point <= POINTS:
        reason = run.report(point, curve[point - 1])
        if point // 3 > kills:
            kills += 1
            run, point = open_trial(build, kind, number, folder), max(1, point - 2)
            continue
        if reason is not None:
            assert reason == f"pruner={kind}: others were better after {point} points"
            return point
        point += 1
    return None


def test_a_machine_without_the_study_says_so(settings: Build, tmp_path: Path) -> None:
    member = settings("data.val_size=10", "pruner=median", "trial=0", f"tracking.sweep={SWEEP}")
    with pytest.raises(ConfigError, match=rf"search_storage=null: this machine does not have .*{STUDY_FILE}"):
        trial_pruner(member, tmp_path)


def test_a_run_outside_of_a_search_is_not_pruned(settings: Build, tmp_path: Path) -> None:
    assert trial_pruner(settings(), tmp_path) is None


def test_a_file_that_a_full_disk_has_cut_off_is_read_to_its_last_whole_line(settings: Build, tmp_path: Path) -> None:
    build = settings("data.val_size=10")
    study = create_study(build, tmp_path, SWEEP)
    study.tell(study.ask(), 0.5)
    with (tmp_path / STUDY_FILE).open("a") as file:
        file.write('{"op_code": 4, "worker')
    again = create_study(build, tmp_path, SWEEP)
    again.tell(again.ask(), 0.7)
    assert create_study(build, tmp_path, SWEEP).best_value == 0.7


def test_a_proposal_that_never_became_a_run_is_closed(settings: Build, tmp_path: Path) -> None:
    build = settings("data.val_size=10")
    study = create_study(build, tmp_path, SWEEP)
    study.ask()
    Trials(study, build.monitor).catch_up({})
    assert [trial.state for trial in study.trials] == [TrialState.FAIL]

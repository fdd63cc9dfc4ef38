"""Every proposal is new, and a search that went on from its file proposes what an undisturbed one would."""

from collections.abc import Callable, Mapping
from pathlib import Path

import optuna
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import Study

from mlplab.config import Search
from mlplab.errors import ConfigError
from mlplab.sweeps.manifest import FrozenJob
from mlplab.sweeps.search.proposals import Proposals
from mlplab.sweeps.search.space import Dimension, read_dimensions
from mlplab.sweeps.search.study import known_jobs

WIDE = ("activation=sigmoid,tanh,relu", "learning_rate=tag(log, interval(1e-4, 1))", "batch_size=range(16,65,16)")
FINITE = ("activation=sigmoid,tanh,relu", "batch_size=32,64")


def dimensions(*texts: str) -> list[Dimension]:
    return read_dimensions({one.key_or_group: one for one in OverridesParser.create().parse_overrides(list(texts))})


def freeze(number: int, varying: Mapping[str, str]) -> FrozenJob | None:
    return FrozenJob(number, " ".join(varying.values()), dict(varying), {})


def proposals(
    study: Study, kind: Search, *texts: str, accept: Callable[[int, Mapping[str, str]], FrozenJob | None] = freeze
) -> Proposals:
    made = Proposals(study, kind, dimensions(*texts), accept, seed=3)
    made.note_tried(known_jobs(study))
    return made


def study(file: Path | None = None) -> Study:
    storage = None if file is None else JournalStorage(JournalFileBackend(str(file)))
    return optuna.create_study(study_name="s", storage=storage, direction="maximize", load_if_exists=True)


def value_of(job: FrozenJob) -> float:
    return float(sum(map(ord, job.name)) % 97)


def search(made: Proposals, numbers: range) -> list[dict[str, str]]:
    """Try these jobs one after the other."""
    tried = []
    for number in numbers:
        found = made.next_job(number)
        assert found is not None
        job, trial = found
        made.study.tell(trial, value_of(job))
        tried.append(job.varying)
    return tried


@pytest.mark.parametrize("kind", [kind for kind in Search if kind is not Search.grid])
def test_a_search_with_one_slot_is_the_same_again_wherever_it_was_interrupted(kind: Search, tmp_path: Path) -> None:
    undisturbed = search(proposals(study(), kind, *WIDE), range(16))
    first = search(proposals(study(tmp_path / "s"), kind, *WIDE), range(11))
    rest = search(proposals(study(tmp_path / "s"), kind, *WIDE), range(11, 16))
    assert first + rest == undisturbed


@pytest.mark.parametrize("kind", Search)
def test_every_combination_of_a_finite_space_comes_once(kind: Search) -> None:
    made = proposals(study(), kind, *FINITE)
    tried = search(made, range(6))
    assert len({tuple(one.values()) for one in tried}) == 6
    assert made.next_job(6) is None


def test_a_grid_comes_in_its_order() -> None:
    tried = search(proposals(study(), Search.grid, *FINITE), range(3))
    assert [tuple(one.values()) for one in tried] == [("sigmoid", "32"), ("sigmoid", "64"), ("tanh", "32")]


@pytest.mark.parametrize("kind", Search)
def test_a_space_of_one_point_has_one_run(kind: Search) -> None:
    made = proposals(study(), kind, "batch_size=range(64,65)")
    assert search(made, range(1)) == [{"batch_size": "64"}]
    assert made.next_job(1) is None


def test_what_a_condition_excludes_is_not_tried() -> None:
    def only_relu(number: int, varying: Mapping[str, str]) -> FrozenJob | None:
        return freeze(number, varying) if varying["activation"] == "relu" else None

    tried = search(proposals(study(), Search.tpe, *WIDE, accept=only_relu), range(12))
    assert {one["activation"] for one in tried} == {"relu"}


def test_a_condition_that_nothing_holds_is_named() -> None:
    made = proposals(study(), Search.random, *WIDE, accept=lambda number, varying: None)  # noqa: ARG005
    with pytest.raises(ConfigError, match=r"only: excludes all of 20 proposals in a row, or they were tried"):
        made.next_job(0)


def test_a_job_that_failed_gets_a_new_trial_with_its_values() -> None:
    made = proposals(study(), Search.tpe, *WIDE)
    found = made.next_job(0)
    assert found is not None
    job, trial = found
    made.study.tell(trial, state=optuna.trial.TrialState.FAIL)
    again = made.again(job, trial.params)
    assert again.params == trial.params
    assert again.number != trial.number
    assert known_jobs(made.study) == [job]

"""A fingerprint changes with everything that determines a run's result, and with nothing else."""

import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from mlplab.config import Engine, TrainConfig
from mlplab.engines.registry import ENGINES
from mlplab.flat_config import flatten
from mlplab.schema import HOST_TAG, PROJECT_TAG, USER_TAG
from mlplab.tracking import identity
from mlplab.tracking.process import Process

Settings = Callable[..., TrainConfig]
OTHER_CODE = {"run/figures.py", "training/checkpoint.py", "training/diagnostics.py"}


def fingerprint(settings: TrainConfig, data_digest: str = "data") -> str:
    return identity.fingerprint(settings, data_digest, ENGINES[settings.engine].libraries)


@pytest.mark.parametrize("override", ["learning_rate=0.1", "seed=1", "engine=torch", "dtype=float64", "log_every=100"])
def test_what_determines_the_result_changes_the_fingerprint(settings: Settings, override: str) -> None:
    assert fingerprint(settings(override)) != fingerprint(settings())


def test_the_mlp_has_the_parts_that_it_had_before_there_was_another_network(settings: Settings) -> None:
    values = flatten(settings())
    before = {key: value for key, value in values.items() if key != "network._target_"}
    assert before.keys() == values.keys() - {"network._target_"}
    assert identity.fingerprint_of(values, "data", ["numpy"]) == identity.fingerprint_of(before, "data", ["numpy"])


def test_class_arguments_and_source_of_another_network_change_the_fingerprint(settings: Settings) -> None:
    def found(*overrides: str, source: str = "source", activation: str = "relu") -> str:
        chosen = settings("engine=torch", "network=cnn", f"activation={activation}", *overrides)
        return identity.fingerprint(chosen, "data", ["numpy"], source)

    others = found("network.channels=8"), found(source="other"), found("network._target_=mlplab.engines.cnn.CNN")
    assert others[0] != found() != others[1]
    assert others[2] == found() == found(activation="tanh")


@pytest.mark.parametrize("engine", Engine)
def test_every_library_that_computes_changes_the_fingerprint(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    before = fingerprint(settings(f"engine={engine}"))
    for library in ENGINES[engine].libraries:
        monkeypatch.setattr(
            identity, "version", lambda name, other=library: "other" if name == other else version(name)
        )
        assert fingerprint(settings(f"engine={engine}")) != before, library


@pytest.mark.parametrize(
    "override", ["tracking.sweep=a", "tracking.run_name=b", "data.root=/c", "tracking.uri=http://d"]
)
def test_names_and_folders_do_not_change_the_fingerprint(settings: Settings, override: str) -> None:
    assert fingerprint(settings(override)) == fingerprint(settings())


def test_the_data_changes_the_fingerprint_and_its_name_does_not(settings: Settings) -> None:
    assert fingerprint(settings()) != fingerprint(settings(), "other")
    assert fingerprint(settings("data=mnist"), "x") == fingerprint(settings("data=auto"), "x")


@pytest.mark.slow
def test_the_code_that_computes_changes_the_fingerprint_and_other_code_does_not(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "mlplab"
    shutil.copytree(identity._PACKAGE, copy)
    before = fingerprint(settings())
    monkeypatch.setattr(identity, "_PACKAGE", copy)
    identity.code_digest.cache_clear()
    assert fingerprint(settings()) == before
    for other in OTHER_CODE:
        with (copy / other).open("a") as file:
            file.write("# another thought")
        identity.code_digest.cache_clear()
        assert fingerprint(settings()) == before, other
    rooms = ("data", "engines", "scratch", "training")
    computing = {file.relative_to(copy).as_posix() for room in rooms for file in (copy / room).glob("*.py")}
    for file in sorted(computing - OTHER_CODE - {"training/__init__.py"}):
        text = (copy / file).read_text()
        (copy / file).write_text(f"{text}# another thought")
        identity.code_digest.cache_clear()
        assert fingerprint(settings()) != before, file
        (copy / file).write_text(text)


def test_tags_and_a_note_change_no_fingerprint(settings: Settings) -> None:
    with_words = settings("tags.team=vision", "note=hello")
    assert with_words.tags == {"team": "vision"}
    assert fingerprint(with_words) == fingerprint(settings())


def test_a_run_belongs_to_who_made_it_in_this_project_wherever_that_lies_now(tmp_path: Path) -> None:
    own = identity.owner_tags() | Process.current().tags()
    assert identity.is_own(own)
    assert identity.is_own({**own, PROJECT_TAG: str(tmp_path / "moved away")})
    assert not identity.is_own({**own, PROJECT_TAG: str(tmp_path)})  # another project, which is still there
    assert not identity.is_own({**own, PROJECT_TAG: str(tmp_path / "unknown"), HOST_TAG: "another machine"})
    assert not identity.is_own({**own, USER_TAG: "somebody else"})

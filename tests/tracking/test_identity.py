"""A fingerprint changes exactly with what determines a run's result."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mlplab.config import TrainConfig
from mlplab.tracking import identity

Settings = Callable[..., TrainConfig]


@pytest.mark.parametrize("override", ["learning_rate=0.1", "seed=1", "engine=torch", "dtype=float64", "log_every=100"])
def test_what_determines_the_result_changes_it(settings: Settings, override: str) -> None:
    assert identity.fingerprint(settings(override), "data") != identity.fingerprint(settings(), "data")


@pytest.mark.parametrize("override", ["tracking.sweep=a", "tracking.run_name=b", "data.root=/c", "tracking.uri=d"])
def test_names_and_places_do_not(settings: Settings, override: str) -> None:
    assert identity.fingerprint(settings(override), "data") == identity.fingerprint(settings(), "data")


def test_the_data_itself_does_and_its_name_does_not(settings: Settings) -> None:
    assert identity.fingerprint(settings(), "data") != identity.fingerprint(settings(), "other")
    assert identity.fingerprint(settings("data=mnist"), "x") == identity.fingerprint(settings("data=auto"), "x")


def test_the_code_that_computes_does_and_other_code_does_not(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "mlplab"
    shutil.copytree(identity._PACKAGE, copy)
    before = identity.fingerprint(settings(), "data")
    monkeypatch.setattr(identity, "_PACKAGE", copy)
    identity.code_digest.cache_clear()
    assert identity.fingerprint(settings(), "data") == before
    (copy / "figures.py").write_text("# other colours")
    assert identity.fingerprint(settings(), "data") == before
    with (copy / "scratch" / "losses.py").open("a") as file:
        file.write("# another thought")
    identity.code_digest.cache_clear()
    assert identity.fingerprint(settings(), "data") != before

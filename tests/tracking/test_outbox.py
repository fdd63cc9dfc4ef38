"""What a store lacks is found again wherever a process died, and sent to the store that was meant."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mlplab.config import TrainConfig
from mlplab.store.store import Store
from mlplab.store.target import Target
from mlplab.tracking import outbox
from mlplab.tracking.run import Run
from tracking.conftest import history


def leave_unsent(target: Target, folder: Path) -> None:
    with Run(Target(target.uri, target.experiment, offline=True), "name", {}, folder) as run:
        run.log_metrics({"loss": 1.0}, 200)


@pytest.mark.parametrize("died", ["before the journal was moved", "after that"])
def test_a_journal_that_was_being_set_aside_is_not_forgotten(
    target: Target, store: Store, tmp_path: Path, own_outbox: Path, died: str
) -> None:
    folder = tmp_path / "run"
    leave_unsent(target, folder)
    (key,) = [entry.name for entry in own_outbox.iterdir()]
    former = folder / "former-1"
    former.mkdir()
    outbox.enter(key, former)
    if died == "after that":
        (folder / "journal.jsonl").rename(former / "journal.jsonl")
    assert len(outbox.send_all(target).sent) == 1
    (run,) = store.search("")
    assert history(store, run.info.run_id, "loss") == [(200, 1.0)]
    assert not list(own_outbox.iterdir())


def test_a_relative_path_is_that_of_the_folder_where_it_was_typed(
    settings: Callable[..., TrainConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Target.of(settings("tracking.uri=sqlite:///runs.db").tracking).uri == f"sqlite:///{tmp_path}/runs.db"
    assert Target.of(settings("tracking.uri=http://lab:5000").tracking).uri == "http://lab:5000"

"""A sweep that is killed at any moment and resumed has the results of an undisturbed sweep, bit by bit."""

import itertools
import random
import re
import shutil
import urllib.parse
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow.entities import Run

from app.conftest import Zygote
from conftest import Project

pytestmark = pytest.mark.slow  # real processes, ended in every way: `make test-slow`

SWEEP = [
    "-m", "data=digits", "hidden_sizes=[24,12]", "activation=tanh", "optimizer=adam,momentum", "learning_rate=0.01",
    "weight_decay=1e-3", "batch_size=50", "log_every=10", "epochs=4", "data.val_size=237",
]  # fmt: skip
JOBS = 2
# Functions in which a run can die, and about how often an undisturbed sweep of two jobs calls each.
PLACES = {
    "mlplab.tracking.outbox.enter": 3,  # before a run, or the sweep's own run, has a journal
    "mlplab.tracking.delivery._create": 3,  # before it is in the store
    "mlplab.tracking.journal.Journal.mark_created": 3,  # in the store, but nobody knows its id
    "mlplab.tracking.run.Run.log_params": 3,
    "mlplab.tracking.journal.Journal._write": 60,
    "mlplab.training.loop.Training.advance": 24,
    "mlplab.tracking.journal.Journal.mark_sent": 30,  # in the store, but nobody knows
    "mlplab.run.resumption.Checkpointer._save": 6,
    "os.fsync": 30,  # in the middle of a checkpoint, or of a journal
    "mlplab.training.checkpoint.json.dumps": 6,
    "mlplab.run.artifacts.write_all": 2,
    "mlplab.tracking.run_files.digest_of_model": 2,  # the model is saved, and not logged
    "mlplab.tracking.run.Run._end": 3,
    "mlplab.tracking.outbox.remove": 3,  # everything is sent, but nobody knows
    "mlplab.training.checkpoint.remove_checkpoint": 4,  # finished, but the checkpoint still exists
}
KILLS = 26


@pytest.fixture(scope="module")
def undisturbed(zygote: Zygote) -> dict[str, Any]:
    assert zygote.run(*SWEEP) == 0, zygote.log
    return outcome(zygote.project)


def outcome(project: Project) -> dict[str, Any]:
    """Everything that a sweep has computed, by run: its status, points and weights."""
    return {str(run.info.run_name): (run.info.status, points(project, run), weights(run)) for run in project.runs()}


def points(project: Project, run: Run) -> dict[str, list[tuple[int, float]]]:
    return {key: project.points(run, key) for key in run.data.metrics if not key.startswith("time/")}


def weights(run: Run) -> dict[str, list[float]]:
    (made,) = run.outputs.model_outputs
    models = Path(urllib.parse.urlparse(run.info.artifact_uri).path).parents[1] / "models"
    with np.load(models / made.model_id / "artifacts" / "artifacts" / "weights.npz") as stored:
        return {name: stored[name].ravel().tolist() for name in stored.files}


@pytest.mark.timeout(600)
def test_kill_9_at_any_moment_loses_nothing(zygote: Zygote, undisturbed: dict[str, Any], empty_store: Path) -> None:
    project, rng = zygote.project, random.Random(20)
    zygote.forget(empty_store)
    kills, finished_sweeps, died_in = 0, 0, set()
    places = itertools.cycle(rng.sample(list(PLACES), len(PLACES)))
    while kills < KILLS or finished_sweeps == 0:
        place = next(places)
        die_at = (place, rng.randint(1, PLACES[place])) if kills < KILLS else None
        status = zygote.run(*SWEEP, "resume=true", die_at=die_at)
        if status == -9:
            kills += 1
            died_in.add(place)
            continue
        assert status == 0, zygote.log
        assert outcome(project) == undisturbed, f"after {kills} kills"
        assert len({run.data.tags["sweep"] for run in project.runs()}) == 1
        assert len(project.runs()) == JOBS
        files = {path.name for path in (project.root / "multirun").rglob("*") if path.is_file()}
        hydras = {"config.yaml", "hydra.yaml", "overrides.yaml", "train.log"}
        assert files == hydras | {"journal.jsonl", "journal.lock", ".launch"}
        finished_sweeps += 1
        zygote.forget(empty_store)
    assert len(died_in) >= len(PLACES) - 2


def test_a_run_that_was_killed_when_it_had_saved_its_model_has_one_in_the_end(
    zygote: Zygote, undisturbed: dict[str, Any], empty_store: Path
) -> None:
    zygote.forget(empty_store)
    assert zygote.run(*SWEEP, die_at=("mlplab.tracking.run_files.digest_of_model", 1)) == -9
    assert zygote.run(*SWEEP, "resume=true") == 0, zygote.log
    assert outcome(zygote.project) == undisturbed


def test_no_point_of_a_resumed_run_is_stored_twice(zygote: Zygote, empty_store: Path) -> None:
    project = zygote.project
    zygote.forget(empty_store)
    assert zygote.run(*SWEEP, die_at=("mlplab.training.loop.Training.advance", 9)) == -9
    assert zygote.run(*SWEEP, "resume=true") == 0, zygote.log
    for run in project.runs():
        for key in run.data.metrics:
            steps = [point.step for point in project.client.get_metric_history(run.info.run_id, key)]
            assert len(steps) == len(set(steps)), key


def test_finished_members_are_skipped_with_their_recorded_result(zygote: Zygote, empty_store: Path) -> None:
    project = zygote.project
    zygote.forget(empty_store)
    assert zygote.run(*SWEEP) == 0
    before = {run.info.run_id: run.info.end_time for run in project.runs()}
    assert zygote.run(*SWEEP, "resume=true") == 0
    assert {run.info.run_id: run.info.end_time for run in project.runs()} == before
    assert "2 runs (2 finished); 0 to run" in zygote.log
    (sweep,) = project.sweeps()
    assert sweep.data.tags["sweep.finished"] == "2"


def test_editing_conf_before_resuming_changes_nothing(
    zygote: Zygote, undisturbed: dict[str, Any], empty_store: Path
) -> None:
    project = zygote.project
    zygote.forget(empty_store)
    assert zygote.run(*SWEEP, die_at=("mlplab.training.loop.Training.advance", 9)) == -9
    conf = project.root / "conf" / "train.yaml"
    original = conf.read_text()
    try:
        conf.write_text(
            original.replace("init: glorot", "init: he").replace("loss: cross_entropy", "loss: squared_error")
        )
        assert zygote.run(*SWEEP, "resume=true") == 0, zygote.log
    finally:
        conf.write_text(original)
    assert outcome(project) == undisturbed


def test_after_a_change_of_code_a_run_starts_from_the_beginning(zygote: Zygote, empty_store: Path) -> None:
    project = zygote.project
    code = project.root / "src" / "mlplab" / "scratch" / "losses.py"
    original = code.read_text()

    def resume_with_other_code() -> None:
        try:  # the zygote has imported the old code: only the fingerprint changes
            code.write_text(original + "\n# changed\n")
            assert zygote.run(*SWEEP, "resume=true") == 0, zygote.log
        finally:
            code.write_text(original)

    zygote.forget(empty_store)
    assert zygote.run(*SWEEP, die_at=("mlplab.training.loop.Training.advance", 9)) == -9
    before = len(zygote.log)
    resume_with_other_code()
    assert "resumed after" not in zygote.log[before:]
    states = [run.info.status for run in project.runs()]
    assert sorted(states) == ["FINISHED"] * JOBS + ["KILLED"]


def test_a_single_run_can_be_resumed_too(zygote: Zygote, empty_store: Path) -> None:
    project, single = zygote.project, [argument for argument in SWEEP if argument != "-m" and "," not in argument]
    single += ["hidden_sizes=[24,12]", "optimizer=adam"]
    zygote.forget(empty_store)
    assert zygote.run(*single) == 0, zygote.log
    expected = outcome(project)
    zygote.forget(empty_store)
    before = len(zygote.log)
    assert zygote.run(*single, die_at=("mlplab.training.loop.Training.advance", 9)) == -9
    assert zygote.run(*single, "resume=true") == 0, zygote.log
    assert outcome(project) == expected
    assert "its last bits may differ" not in zygote.log[before:]
    assert zygote.run(*single, "resume=true") == 0
    assert "has finished already" in zygote.log
    assert len(project.runs()) == 1


@pytest.mark.parametrize("kind", ["a single run", "a member of a sweep"])
def test_another_number_of_threads_than_it_began_with_is_warned_of(
    zygote: Zygote, empty_store: Path, kind: str
) -> None:
    project = zygote.project
    typed = SWEEP if kind == "a member of a sweep" else [one for one in SWEEP if one != "-m" and "," not in one]
    zygote.forget(empty_store)
    assert zygote.run(*typed, die_at=("mlplab.training.loop.Training.advance", 9)) == -9
    journals = [path for folder in ("outputs", "multirun") for path in (project.root / folder).rglob("journal.jsonl")]
    (journal,) = [path for path in journals if "sweep.command" not in path.read_text()]
    journal.write_text(journal.read_text().replace('"threads": "1"', '"threads": "7"'))
    for run in project.runs():
        project.client.set_tag(run.info.run_id, "threads", "7")
    before = len(zygote.log)  # one file collects the logs of all tests
    assert zygote.run(*typed, "resume=true") == 0, zygote.log
    warning = "goes on with threads=1 and began with 7: its last bits may differ from an undisturbed run's"
    assert zygote.log[before:].count(warning) == 1


def killed_with_two_checkpoints(zygote: Zygote, empty_store: Path) -> Path:
    """Return the last checkpoint of a member that was killed; the one before it is the same here."""
    zygote.forget(empty_store)
    assert zygote.run(*SWEEP, die_at=("mlplab.training.loop.Training.advance", 9)) == -9
    (path,) = (zygote.project.root / "multirun").rglob("checkpoint.npz")
    shutil.copy(path, path.with_name("checkpoint.former.npz"))
    return path


def test_a_damaged_checkpoint_never_blocks_a_resume_the_one_before_it_is_taken(
    zygote: Zygote, undisturbed: dict[str, Any], empty_store: Path
) -> None:
    path = killed_with_two_checkpoints(zygote, empty_store)
    path.write_bytes(path.read_bytes()[:1000])
    before = len(zygote.log)
    assert zygote.run(*SWEEP, "resume=true") == 0, zygote.log
    said = zygote.log[before:]
    assert f"WARNING: {path}: is damaged" in said
    assert "resumed after" in said
    assert "Traceback" not in said
    assert outcome(zygote.project) == undisturbed


def test_where_no_checkpoint_can_be_used_the_run_begins_anew_with_a_warning(
    zygote: Zygote, undisturbed: dict[str, Any], empty_store: Path
) -> None:
    path = killed_with_two_checkpoints(zygote, empty_store)
    path.unlink()
    path.mkdir()
    path.with_name("checkpoint.former.npz").write_bytes(b"")
    before = len(zygote.log)
    assert zygote.run(*SWEEP, "resume=true") == 0, zygote.log
    said = zygote.log[before:]
    assert f"{path.parent}: has no checkpoint to go on from: the run begins anew" in said
    assert "resumed after" not in said
    assert "Traceback" not in said
    assert outcome(zygote.project) == undisturbed
    assert f"{path}: cannot be removed" in said


@pytest.mark.parametrize("content", ['{"sweep": "', "[]", '{"colour": 1}'])
def test_a_damaged_manifest_never_blocks_a_resume_the_sweep_begins_anew(
    zygote: Zygote, undisturbed: dict[str, Any], empty_store: Path, content: str
) -> None:
    project = zygote.project
    zygote.forget(empty_store)
    assert zygote.run(*SWEEP, die_at=("mlplab.training.loop.Training.advance", 9)) == -9
    assert zygote.run(*SWEEP, "plan=true") == 0  # sends what the killed one had left
    (own,) = project.sweeps()
    Path(urllib.parse.urlparse(own.info.artifact_uri).path, "manifest.json").write_text(content)
    before = len(zygote.log)
    assert zygote.run(*SWEEP, "resume=true") == 0, zygote.log
    said = zygote.log[before:]
    assert re.search(rf"WARNING: {own.info.run_name}: its manifest.json is damaged.* it is passed over", said)
    assert "Traceback" not in said
    for run in project.runs():  # of the sweep that was passed over
        if run.data.tags["sweep"] == own.data.tags["sweep.id"]:
            project.client.delete_run(run.info.run_id)
    assert outcome(project) == undisturbed

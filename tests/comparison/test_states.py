"""A sweep of which a run was pruned: counted apart, never ranked, never missing."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from mlplab.app import startup
from mlplab.comparison import query
from mlplab.comparison.completeness import describe_missing
from mlplab.comparison.documents import FORMATS
from mlplab.comparison.progress import ENDED
from mlplab.comparison.ranking import metric_of, rank
from mlplab.comparison.states import count_states, finished_of, state_of_row, states_of
from mlplab.comparison.sweep_end import compare_sweep, find_best
from mlplab.config import TrainConfig
from mlplab.page.comparison_page import render_page
from mlplab.schema import RUN_STATES, STATE_TAG, State, final_accuracy
from mlplab.store.store import Store, find_store
from mlplab.tracking import outbox

SWEEP = [
    "data=digits", "data.val_size=300", "hidden_sizes=[16]", "log_every=5", "batch_size=100", "epochs=4",
    "tracking.sweep=s",
]  # fmt: skip
STATUS = {
    State.finished: "FINISHED", State.pruned: "FINISHED", State.failed: "FAILED", State.killed: "KILLED",
    State.running: "RUNNING", State.scheduled: "SCHEDULED",
}  # fmt: skip


class Pruned:
    """A pruner that stops a run at its second point."""

    def report(self, point: int, value: float) -> str | None:
        return f"others were better than {value:.2f}" if point == 2 else None


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, empty_store: Path, settings: Callable[..., TrainConfig]) -> Store:
    """A sweep of three learning rates with two seeds: one run of the first rate was pruned, and both of the last."""
    folder = tmp_path_factory.mktemp("pruned")
    uri = f"sqlite:///{shutil.copy(empty_store, folder)}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "_FOLDER", folder / "unsent")
        for job, (rate, seed) in enumerate((rate, seed) for rate in (0.3, 0.5, 0.01) for seed in (0, 1)):
            chosen = settings(
                *SWEEP, f"tracking.uri={uri}", f"learning_rate={rate}", f"seed={seed}", f"tracking.job={job}"
            )
            output = folder / str(job)
            output.mkdir()
            startup.start_run(chosen, output, Pruned() if job in (1, 4, 5) else None)
    return find_store(uri, "mlplab")


@pytest.fixture(scope="module")
def runs(store: Store) -> pd.DataFrame:
    return query.find_runs(store)


@pytest.mark.parametrize("state", RUN_STATES)
def test_a_frame_tells_every_state(state: State) -> None:
    assert set(STATUS) == set(RUN_STATES)
    rows = pd.DataFrame([{"run_id": "a", "status": STATUS[state]}, {"run_id": "b", "status": "FINISHED"}])
    rows[f"tags.{STATE_TAG}"] = ["pruned" if state is State.pruned else float("nan"), float("nan")]
    assert list(states_of(rows)) == [state, State.finished]
    assert state_of_row(rows.iloc[0].to_dict()) is state
    assert list(finished_of(rows)["run_id"]) == (["a", "b"] if state is State.finished else ["b"])
    assert count_states(rows) == ({State.finished: 2} if state is State.finished else {state: 1, State.finished: 1})


@pytest.mark.parametrize("state", RUN_STATES)
def test_every_document_counts_every_state(state: State) -> None:
    rows = pd.DataFrame(
        [{"run_id": "a", "status": STATUS[state], "params.seed": 0, "metrics.final/test_accuracy": 0.5}]
    )
    rows[f"tags.{STATE_TAG}"] = ["pruned" if state is State.pruned else None]
    ranking = rank(rows)
    (record,) = csv.DictReader(io.StringIO(FORMATS["csv"](ranking)))
    assert {other: record[other] for other in RUN_STATES} == {other: str(int(other is state)) for other in RUN_STATES}
    assert len(ranking.ranked) == (state is State.finished)
    if state is not State.finished:
        assert f"1 {state}" in FORMATS["table"](ranking)
        assert f"1 {state}" in FORMATS["markdown"](ranking)


@pytest.mark.parametrize("state", State)
def test_what_is_done_is_never_missing_and_has_ended(state: State) -> None:
    jobs = [{"number": number, "name": f"job {number}", "varying": {"seed": str(number)}} for number in range(2)]
    missing = describe_missing(jobs, {0: state, 1: State.finished})
    assert (missing == "") == state.is_done
    assert state.is_done <= (state in ENDED)


def test_pruned_jobs_are_counted_where_others_are_missing() -> None:
    jobs = [{"number": n, "name": f"job {n}", "varying": {"seed": str(n)}} for n in range(4)]
    states = {0: State.finished, 1: State.pruned, 2: State.failed}
    text = "1 of 4 runs have finished (1 pruned, 1 failed, 1 never began); seed=2 and seed=3 never did"
    assert describe_missing(jobs, states) == text


def test_pruned_runs_never_rank(store: Store, runs: pd.DataFrame) -> None:
    assert count_states(runs) == {State.finished: 3, State.pruned: 3}
    assert metric_of(runs) == final_accuracy("val")
    ranking = rank(runs)
    assert [(group.values["learning_rate"], len(group.observations)) for group in ranking.groups] == [
        ("0.5", 2), ("0.3", 1), ("0.01", 0),
    ]  # fmt: skip
    assert ranking.groups[1].states == {State.finished: 1, State.pruned: 1}
    best = find_best(store, "s")
    assert best is not None
    assert best.name == "lr=0.5"


@pytest.mark.parametrize("name", FORMATS)
def test_a_comparison_counts_them_apart(store: Store, name: str) -> None:
    comparison = compare_sweep(store, "s")
    assert comparison is not None
    text = FORMATS[name](comparison.ranking)
    assert "pruned" in text
    if name == "json":
        groups = json.loads(text)["groups"]
        assert [group["pruned"] for group in groups] == [0, 1, 2]
        assert groups[2]["final/val_accuracy"] is None


def test_the_page_draws_each_pruned_run_to_where_it_stopped(store: Store, runs: pd.DataFrame) -> None:
    page = render_page(store, runs, rank(runs), "a sweep")
    assert "6 runs (3 finished, 3 pruned)" in page
    assert "A thin line that ends in a cross is a run that was pruned there." in page
    (curve,) = [line for line in page.splitlines() if '"title":{"text":"validation accuracy"}' in line]
    figure = json.loads(curve[curve.index("{") : curve.rindex("}") + 1])
    crossed = [trace for trace in figure["data"] if trace["mode"] == "lines+markers"]
    assert [(trace["meta"]["group"], trace["x"]) for trace in crossed] == [(1, [5, 10]), (2, [5, 10]), (2, [5, 10])]
    assert all(trace["marker"]["size"] == [0, 9] for trace in crossed)


def test_a_comparison_of_pruned_runs_alone_ranks_nobody(store: Store, runs: pd.DataFrame) -> None:
    pruned = runs[states_of(runs) == State.pruned]
    assert rank(pruned).ranked == []
    page = render_page(store, pruned, rank(pruned), "only pruned")
    assert "3 runs (3 pruned)" in page


def test_runs_older_than_the_keys_of_selection_are_as_the_defaults(store: Store) -> None:
    client = MlflowClient(store.uri)
    old = client.create_run(store.experiment_id, run_name="old")
    client.log_param(old.info.run_id, "learning_rate", "0.3")
    frame = query.find_runs(store)
    client.delete_run(old.info.run_id)
    (row,) = frame[frame["name"] == "old"].to_dict("records")
    assert (row["params.monitor"], row["params.keep"], row["params.early_stopping.min_delta"]) == (
        "accuracy",
        "last",
        0,
    )
    assert pd.isna(row["params.early_stopping.patience"])

"""A model is found by the beginning of its run's id, and by a sweep's; what cannot be taken names what can."""

import pytest

from mlplab.comparison.selection import Selection, select_runs
from mlplab.errors import ConfigError
from mlplab.models.finding import find_model
from mlplab.rerun.chosen import Chosen, choose_runs
from mlplab.schema import COMMAND_TAG, OWN_SWEEP_TAG, SWEEP_TAG
from mlplab.store.store import Store

KILLED, FINISHED = "KILLED", "FINISHED"


def record(store: Store, *states: str, sweep: str = "", accuracy: float = 0.5) -> list[str]:
    """Record runs that ended so, of a sweep with a run of its own where one is named; return their ids."""
    if sweep:
        tags = {COMMAND_TAG: "c", OWN_SWEEP_TAG: sweep}
        own = store.client.create_run(store.experiment_id, tags=tags, run_name=f"sweep {sweep}")
        store.client.set_terminated(own.info.run_id, states[0] if states else KILLED)
    ids = []
    for number, state in enumerate(states):
        tags = {SWEEP_TAG: sweep} if sweep else {}
        run_id = str(store.client.create_run(store.experiment_id, tags=tags, run_name="net").info.run_id)
        store.client.log_param(run_id, "learning_rate", 0.1 * (number + 1))
        if state == FINISHED:
            store.client.log_metric(run_id, "final/test_accuracy", accuracy + 0.1 * number)
        store.client.set_terminated(run_id, state)
        ids.append(run_id)
    return ids


def refusal(store: Store, text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        find_model(store, text)
    return str(refused.value)


def rerun_refusal(store: Store, text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        choose_runs(store, text)
    return str(refused.value)


def test_a_sweeps_id_is_its_best_run(store: Store) -> None:
    _, best = record(store, FINISHED, FINISHED, sweep="20261121-054810-6d32")
    record(store, FINISHED, sweep="deadbeef")  # which a run's id might begin with, too
    assert find_model(store, "20261121-054810-6d32").run_id == best
    assert find_model(store, "deadbeef").run.data.tags[SWEEP_TAG] == "deadbeef"


@pytest.mark.parametrize(
    ("states", "how_far"), [([], "no run of it has begun"), ([KILLED, KILLED], "no run of it has finished (2 killed)")]
)
def test_of_a_sweep_without_a_finished_run_the_last_that_has_some_is_named(
    store: Store, states: list[str], how_far: str
) -> None:
    record(store, FINISHED, sweep="first")
    (best,) = record(store, FINISHED, sweep="second")
    record(store, *states, sweep="last")
    remedy = "; the last sweep that has finished runs is second: take "
    for text in ("best", "runner-up"):
        assert refusal(store, text) == f"model={text}, of the last sweep, last: {how_far}{remedy}model=second"
    assert refusal(store, "last") == f"model=last: {how_far}{remedy}model=second"
    assert rerun_refusal(store, "best") == f"best, of the last sweep, last: {how_far}{remedy}second"
    assert rerun_refusal(store, "last") == f"last: {how_far}{remedy}second"
    assert find_model(store, "second").run_id == best
    assert choose_runs(store, "second") == Chosen([best], "second")


def test_a_comparison_of_a_sweep_that_never_began_names_the_last_that_has_finished_runs(store: Store) -> None:
    record(store, FINISHED, sweep="first")
    record(store, sweep="last")
    remedy = "no run of it has begun; the last sweep that has finished runs is first: take sweep=first"
    for selection, which in ((Selection(), "the last sweep, last"), (Selection(sweep="last"), "sweep=last")):
        with pytest.raises(ConfigError) as refused:
            select_runs(store, selection)
        assert str(refused.value) == f"{which}: {remedy}"
    assert len(select_runs(store, Selection(sweep="first"))) == 1


def test_where_no_sweep_has_finished_runs_what_there_is_is_said(store: Store) -> None:
    record(store, FINISHED)
    record(store, KILLED, sweep="only")
    said = "no run of it has finished (1 killed), nor of another sweep; the experiment has 2 runs and 1 sweep: only"
    assert refusal(store, "best") == f"model=best, of the last sweep, only: {said}"


def test_a_run_is_found_by_eight_digits_of_its_id_or_more(store: Store) -> None:
    run_id, _ = record(store, FINISHED, FINISHED)
    for digits in (8, 20, 31, 32):
        assert find_model(store, run_id[:digits]).run_id == run_id
        assert choose_runs(store, run_id[:digits]) == Chosen([run_id])
    assert refusal(store, run_id[:7]).startswith(f"model={run_id[:7]}: takes best and runner-up")
    assert rerun_refusal(store, run_id[:7]).startswith(f"{run_id[:7]}: is no id of a run (32 digits, or the first 8")


def test_digits_that_begin_the_ids_of_several_runs_name_them(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = record(store, FINISHED, FINISHED)
    for run_id in ids:  # the store draws them
        store.client.set_tag(run_id, "twin", "1")
    search = Store.search
    monkeypatch.setattr(
        Store, "search", lambda self, query: search(self, "tags.twin = '1'" if "LIKE" in query else query)
    )
    for said in (refusal(store, "0123abcd"), f"model={rerun_refusal(store, '0123abcd')}"):
        assert said.startswith("model=0123abcd: begins the ids of 2 runs; type more of one: ")
        assert all(run_id in said for run_id in ids)

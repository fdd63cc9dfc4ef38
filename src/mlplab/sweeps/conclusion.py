"""The result of a sweep: made at its end, and again, with ids and links, once a store that was away has all runs."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mlplab.commands import typed_command
from mlplab.comparison.sweep_end import compare_sweep, find_best
from mlplab.schema import (
    BEST_RUN_TAG,
    BEST_TAG,
    MANIFEST,
    OWN_SWEEP_TAG,
    PAGE,
    PROVISIONAL_TAG,
    REPORT_TAG,
    RESULT,
    State,
    count_tag,
)
from mlplab.store.snapshot import Snapshot
from mlplab.store.target import Target
from mlplab.sweeps import record
from mlplab.sweeps.manifest import Manifest
from mlplab.sweeps.record import Member, Outcome
from mlplab.terminal import say
from mlplab.tracking.identity import is_own
from mlplab.tracking.journaled import read_journal
from mlplab.tracking.reading import Reading
from mlplab.tracking.run import Run

Conclude = Callable[[Reading, Manifest, Run, Mapping[int, Member]], None]


def compare_members(reading: Reading, manifest: Manifest, own: Run, members: Mapping[int, Member]) -> None:  # noqa: ARG001
    """Compare the members of a sweep: a table in the terminal, and a page on the sweep's own run."""
    from mlplab.page.comparison_page import render_page  # Plotly: only once there is something to draw

    store = Snapshot.of(reading.store)
    if comparison := compare_sweep(store, manifest.sweep):
        say(comparison.table())
        title = f"sweep {manifest.sweep}: {' '.join(manifest.command)}"
        own.log_text(render_page(store, comparison.runs, comparison.ranking, title), PAGE)


def record_result(reading: Reading | None, manifest: Manifest, own: Run, outcomes: Sequence[Outcome]) -> None:
    """Record the state of every job, and the best of them, on the sweep's own run; without a store, only the states.

    Raises:
        StoreError: the store does not answer.
    """
    own.log_text(record.outcomes_as_json(outcomes), RESULT)
    states = Counter(outcome.state for outcome in outcomes)
    is_final = reading is not None and not reading.is_stand_in
    tags = {count_tag(state): str(states[state]) for state in State}
    tags[PROVISIONAL_TAG] = str(not is_final).lower()
    if reading is not None and is_final and (best := find_best(reading.store, manifest.sweep)) is not None:
        tags |= {BEST_TAG: best.name, BEST_RUN_TAG: best.run_id}
    own.set_tags(tags)


def show_links(reading: Reading, manifest: Manifest, own: Run, report: str, target: Target) -> None:
    """Print where to see the sweep in MLflow."""
    if reading.is_stand_in:
        say(f"{target.shown} does not have all of this sweep yet; `{typed_command('sync')}` sends the rest")
        return
    if own.run_id is not None and (own.artifacts / report).exists():
        say(f"the same with charts:     {reading.store.artifact_page(own.run_id, report)}")
    say(f"all curves of this sweep: {reading.store.sweep_page(manifest.sweep)}")
    if (command := reading.store.ui_command()) and not reading.store.is_served:
        say(f"served by:                {command}")


def _are_awaited(manifest: Manifest, members: Mapping[int, Member]) -> bool:
    """Tell whether the store still lacks a run, or the end of one, that was measured here."""
    return any(
        number not in members or members[number].state is not member.state
        for number, member in record.journaled_members(manifest).items()
    )


def conclude_again(target: Target) -> None:
    """Make the results again that this project's sweeps have from a time when the store was away.

    Raises:
        StoreError: the store does not answer, or refuses the results.
    """
    store = target.connect()
    for run in store.search(f"tags.`{PROVISIONAL_TAG}` = 'true'"):
        tags = run.data.tags
        manifest_text, result_text = store.read_artifacts(run.info.run_id, MANIFEST, RESULT)
        if manifest_text is None or result_text is None or not is_own(tags) or tags.get(REPORT_TAG) != PAGE:
            continue
        manifest = Manifest.from_json(manifest_text)
        name, folder = f"sweep {tags[OWN_SWEEP_TAG]}", Path(manifest.folder)
        journal, members = read_journal(folder), record.stored_members(store, manifest.sweep)
        if journal is None or journal.run_id != run.info.run_id or _are_awaited(manifest, members):
            continue
        with Run(target, name, {}, folder, adds=True) as own:
            reading = Reading(store, is_stand_in=False)
            record_result(reading, manifest, own, record.complete_outcomes(result_text, members))
            compare_members(reading, manifest, own, members)
            show_links(reading, manifest, own, PAGE, target)
        own.require_accepted()

"""Carry out a sweep within an MLflow run of its own: start or resume it, and record it however it ends."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hydra.core.utils import JobReturn

from mlplab import environment, signals
from mlplab.comparison.sweep_end import compare_sweep, find_best
from mlplab.config import TrainConfig
from mlplab.errors import StoreError, SweepError
from mlplab.schema import (
    BEST_RUN_TAG,
    BEST_TAG,
    COMMAND_TAG,
    MANIFEST,
    OWN_SWEEP_TAG,
    PAGE,
    REPORT_TAG,
    RESULT,
    State,
    count_tag,
)
from mlplab.sweeps import record
from mlplab.sweeps.context import SweepContext
from mlplab.sweeps.launching import Launching, recorded_return
from mlplab.sweeps.manifest import Manifest, command_digest
from mlplab.sweeps.record import Member
from mlplab.terminal import say
from mlplab.tracking.description import describe_sweep
from mlplab.tracking.process import Process
from mlplab.tracking.run import Run
from mlplab.tracking.snapshot import Snapshot
from mlplab.tracking.store import Store, close_vanished
from mlplab.training import checkpoint

log = logging.getLogger(__name__)

Conclude = Callable[[Store, Manifest, Run, Mapping[int, Member]], None]


def compare_members(store: Store, manifest: Manifest, own: Run, members: Mapping[int, Member]) -> None:  # noqa: ARG001
    """Compare the members of a sweep: a table in the terminal, and a page on the sweep's own run."""
    sweep, store = manifest.sweep, Snapshot.of(store)
    if comparison := compare_sweep(store, sweep):
        say(comparison.table())
        own.log_text(comparison.page(f"sweep {sweep}: {' '.join(manifest.command)}"), PAGE)
        say(f"the same with charts:     {store.artifact_page(own.run_id, PAGE)}")


@dataclass
class Sweep:
    """One sweep in progress.

    Attributes:
        settings: of its first job; the keys that say how to carry out the sweep are the same in all jobs.
        context: what Hydra handed over.
        conclude: called with the members at the end.
        known: members that have finished outside this sweep, by job number; they are not run again.
        report: the artifact of its own run in which ``conclude`` shows the result.
    """

    manifest: Manifest
    settings: TrainConfig
    store: Store
    context: SweepContext
    conclude: Conclude
    known: Mapping[int, Member] = field(default_factory=dict)
    report: str = PAGE
    launching: Launching = field(init=False)

    def __post_init__(self) -> None:
        self.launching = Launching(self.manifest, self.settings, self.store, self.context)

    def carry_out(self, resumed: str | None) -> list[JobReturn]:
        """Launch the jobs that have not finished, and return the results of all, in the order of the jobs.

        Args:
            resumed: id of the sweep's own run, to continue it; None for a new sweep.

        Raises:
            StoreError: the store stopped answering.
            SweepError: jobs failed; the others have run.
        """
        environment.imports_are_done()
        manifest, folder = self.manifest, Path(self.manifest.folder)
        folder.mkdir(parents=True, exist_ok=True)
        digest = command_digest(manifest.command)
        tags = {OWN_SWEEP_TAG: manifest.sweep, COMMAND_TAG: digest, REPORT_TAG: self.report}
        tags |= Process.current().tags()
        with Run(self.store, f"sweep {manifest.sweep}", tags, folder, resumed) as own:
            own.log_params(
                {"command": " ".join(manifest.command), "axes": ", ".join(manifest.axes), "jobs": len(manifest.jobs)}
            )
            own.log_text(manifest.to_json(), MANIFEST)
            jobs = len(manifest.jobs)
            own.describe(describe_sweep(self.store, manifest.sweep, manifest.command, manifest.axes, jobs))
            try:
                returns = self._launch_pending()
            except BaseException:
                with signals.held(), suppress(StoreError):  # the error that ended the sweep must be raised
                    self._record_result(own)
                    self._compare(own)
                self._show_page()
                raise
            self._record_result(own)
            self._compare(own)
            self._show_page()
            self._raise_failures()
        return returns

    def _launch_pending(self) -> list[JobReturn]:
        before = self._members()
        done = {number: member for number, member in before.items() if member.state is State.finished}
        for number in done:  # a run that was killed in its last moment may have left it
            checkpoint.remove_checkpoint(Path(self.manifest.folder) / str(number) / checkpoint.NAME)
        pending = [job for job in self.manifest.jobs if job.number not in done]
        self._announce(len(pending), before)
        returns = self.launching.launch_all(pending) if pending else {}
        for job in self.manifest.jobs:
            if job.number in done:
                returns[job.number] = recorded_return(job, done[job.number])
        return [returns[number] for number in sorted(returns)]

    def _members(self) -> dict[int, Member]:
        own = record.find_members(self.store, self.manifest.sweep)
        known = {n: member for n, member in self.known.items() if n not in own or own[n].state is not State.finished}
        return {**own, **known}

    def _announce(self, count: int, before: Mapping[int, Member]) -> None:
        states = Counter(member.state for member in before.values())
        known = ", ".join(f"{states[state]} {state}" for state in State if states[state])
        jobs = len(self.manifest.jobs)
        say(f"sweep {self.manifest.sweep}: {jobs} runs" + (f" ({known}); {count} to run" if known else ""))

    def _record_result(self, own: Run) -> None:
        close_vanished(self.store)
        outcomes = record.list_outcomes(
            self.manifest.jobs, self._members(), self.launching.errors, self.launching.skipped
        )
        own.log_text(record.outcomes_as_json(outcomes), RESULT)
        states = Counter(outcome.state for outcome in outcomes)
        for state in State:
            own.set_tag(count_tag(state), str(states[state]))

    def _compare(self, own: Run) -> None:
        """Compare the members. An error here is only a warning: they are trained and recorded."""
        try:
            if (best := find_best(self.store, self.manifest.sweep)) is not None:
                own.set_tag(BEST_TAG, best.name)
                own.set_tag(BEST_RUN_TAG, best.run_id)
            self.conclude(self.store, self.manifest, own, self._members())
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            log.warning("the runs of this sweep are recorded, but could not be compared: %s", reason)

    def _show_page(self) -> None:
        say(f"all curves of this sweep: {self.store.sweep_page(self.manifest.sweep)}")
        if command := self.store.ui_command():
            say(f"served by:                {command}")

    def _raise_failures(self) -> None:
        errors, skipped, manifest = self.launching.errors, self.launching.skipped, self.manifest
        if not errors and not skipped:
            return
        lines = "".join(
            f"\n  {manifest.jobs[number].name}: {reason}\n    log: {manifest.folder}/{number}/train.log"
            for number, reason in sorted(errors.items())
        )
        others = f", {len(skipped)} skipped" if skipped else ""
        raise SweepError(f"{len(errors)} of {len(manifest.jobs)} runs failed{others}{lines}")

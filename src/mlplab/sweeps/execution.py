"""A sweep carried out, within a run of its own in MLflow: begun or resumed, and recorded however it ends."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher

from mlplab import checkpoint, interrupts
from mlplab.comparison import command as comparison
from mlplab.config import TrainConfig
from mlplab.errors import StoreError, SweepError
from mlplab.progress import say
from mlplab.startup import collect_garbage_from_now_on
from mlplab.sweeps import record
from mlplab.sweeps.launching import Launching, recorded_return
from mlplab.sweeps.manifest import Manifest, command_digest
from mlplab.sweeps.record import Member
from mlplab.tracking.process import Process
from mlplab.tracking.run import Run
from mlplab.tracking.store import COMMAND_TAG, Store, close_vanished

log = logging.getLogger(__name__)

Conclude = Callable[[Store, Manifest, Run, Mapping[int, Member]], None]


def compare(store: Store, manifest: Manifest, own: Run, members: Mapping[int, Member]) -> None:  # noqa: ARG001
    """Compare the members of a sweep: a table in the terminal, and a page on the sweep's own run."""
    sweep = manifest.sweep
    if found := comparison.of_sweep(store, sweep, f"sweep {sweep}: {' '.join(manifest.command)}"):
        table, page = found
        say(table)
        try:
            own.log_text(page(), comparison.PAGE)
        except StoreError as error:  # one damaged artifact must not cost the sweep its result
            log.warning("the page of this sweep could not be made: %s", error)
        else:
            say(f"the same with charts:     {store.artifact_page(own.run_id, comparison.PAGE)}")


@dataclass
class Sweep:
    """One sweep under way.

    Attributes:
        settings: of its first job: the keys that say how to carry it out are the same in all.
        known: members that have finished outside this sweep, by their jobs' numbers: they are not run again.
        conclude: what is done with the members at the end.
    """

    manifest: Manifest
    settings: TrainConfig
    store: Store
    launcher: Launcher
    known: Mapping[int, Member] = field(default_factory=dict)
    conclude: Conclude = compare
    launching: Launching = field(init=False)

    def __post_init__(self) -> None:
        self.launching = Launching(self.manifest, self.settings, self.store, self.launcher)

    def carry_out(self, resumed: str | None) -> list[JobReturn]:
        """Run what is to be run, and return the result of every job, in their order.

        Args:
            resumed: id of the sweep's own run, to go on with it.

        Raises:
            StoreError: the store stopped answering.
            SweepError: jobs failed; the others have run.
        """
        collect_garbage_from_now_on()
        manifest, folder = self.manifest, Path(self.manifest.folder)
        folder.mkdir(parents=True, exist_ok=True)
        digest = command_digest(manifest.command)
        tags = {"sweep": manifest.sweep, COMMAND_TAG: digest, **Process.current().tags()}
        with Run(self.store, f"sweep {manifest.sweep}", tags, folder, resumed) as own:
            own.log_params(
                {"command": " ".join(manifest.command), "axes": ", ".join(manifest.axes), "jobs": len(manifest.jobs)}
            )
            own.log_text(manifest.to_json(), record.MANIFEST)
            try:
                returns = self._run_all()
            except BaseException:
                with interrupts.held(), suppress(StoreError):  # what ended the sweep is what must be raised
                    self._record_result(own)
                self._show_page()
                raise
            self._record_result(own)
            self.conclude(self.store, self.manifest, own, self._members())
            self._show_page()
            self._raise_failures()
        return returns

    def _run_all(self) -> list[JobReturn]:
        before = self._members()
        done = {number: member for number, member in before.items() if member.state == "finished"}
        for number in done:  # killed in its last moment, a run may have left its checkpoint
            checkpoint.remove(Path(self.manifest.folder) / str(number) / checkpoint.NAME)
        pending = [job for job in self.manifest.jobs if job.number not in done]
        self._announce(len(pending), before)
        returns = self.launching.run(pending) if pending else {}
        for job in self.manifest.jobs:
            if job.number in done:
                returns[job.number] = recorded_return(job, done[job.number])
        return [returns[number] for number in sorted(returns)]

    def _members(self) -> dict[int, Member]:
        own = record.members(self.store, self.manifest.sweep)
        return {**own, **{n: member for n, member in self.known.items() if n not in own or own[n].state != "finished"}}

    def _announce(self, count: int, before: Mapping[int, Member]) -> None:
        states = Counter(member.state for member in before.values())
        known = ", ".join(f"{states[state]} {state}" for state in record.STATES if states[state])
        jobs = len(self.manifest.jobs)
        say(f"sweep {self.manifest.sweep}: {jobs} runs" + (f" ({known}); {count} to run" if known else ""))

    def _record_result(self, own: Run) -> None:
        close_vanished(self.store)
        found = self._members()
        rows = record.result(self.manifest.jobs, found, self.launching.errors, self.launching.skipped)
        own.log_text(record.as_json(rows), "result.json")
        states = Counter(row.state for row in rows)
        for state in record.ALL_STATES:
            own.set_tag(f"sweep.{state}", str(states[state]))
        finished = [row for row in rows if row.state == "finished"]
        if finished:
            best = max(finished, key=lambda row: record.score(row.final))
            own.set_tag("sweep.best", best.name)
            own.set_tag("sweep.best_run", best.run_id)

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
        not_begun = f", {len(skipped)} were not begun" if skipped else ""
        raise SweepError(f"{len(errors)} of {len(manifest.jobs)} runs failed{not_begun}{lines}")

"""Carry out a sweep within an MLflow run of its own: start or resume it, and record it however it ends."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from hydra.core.utils import JobReturn

from mlplab import environment, signals
from mlplab.commands import typed_command
from mlplab.config import TrainConfig
from mlplab.errors import StoreAwayError, StoreError, SweepError
from mlplab.models.after_training import register_winner
from mlplab.schema import COMMAND_TAG, MANIFEST, OWN_SWEEP_TAG, PAGE, REPORT_TAG, State
from mlplab.store.target import HASTE_SECONDS, Target
from mlplab.sweeps import record
from mlplab.sweeps.conclusion import Conclude, record_result, show_links
from mlplab.sweeps.context import SweepContext
from mlplab.sweeps.launching import Launching, recorded_return
from mlplab.sweeps.manifest import FrozenJob, Manifest, command_digest
from mlplab.sweeps.membership import take_over
from mlplab.sweeps.record import Member, Outcome
from mlplab.sweeps.rest import wait_for_orphans
from mlplab.terminal import count_of, say
from mlplab.tracking.claim import is_claimed
from mlplab.tracking.description import describe_sweep
from mlplab.tracking.identity import owner_tags
from mlplab.tracking.outbox import unsent_folders
from mlplab.tracking.reading import Reading, read_from, read_journals
from mlplab.tracking.run import Run
from mlplab.training import checkpoint
from mlplab.typed import say_how_to_go_on

log = logging.getLogger(__name__)


class Launches(Protocol):
    """How the jobs of a sweep are launched: all of them, or a search's, which come one by one.

    Attributes:
        errors: why a job failed, by its number.
        skipped: numbers of the jobs that were not started, because another one had failed.
    """

    errors: dict[int, str]
    skipped: set[int]

    def launch_all(self, jobs: Sequence[FrozenJob], note_jobs: Callable[[], None]) -> dict[int, JobReturn]:
        """Launch these jobs; call ``note_jobs`` where the manifest has others than before."""


MOST_NAMES = 4  # of runs that failed for the same reason


@dataclass
class Sweep:
    """One sweep in progress.

    Attributes:
        settings: of its first job; the keys that say how to carry out the sweep are the same in all jobs.
        context: what Hydra handed over.
        conclude: called with the members at the end.
        known: runs of its jobs that are not in its folder, by job number: of other sweeps, or of another machine.
        report: the artifact of its own run in which ``conclude`` shows the result.
        begin: called once the sweep is this command's alone; returns what launches its jobs.
    """

    manifest: Manifest
    settings: TrainConfig
    target: Target
    context: SweepContext
    conclude: Conclude
    known: Mapping[int, Member] = field(default_factory=dict)
    report: str = PAGE
    begin: Callable[["Sweep"], Launches] | None = None
    launching: Launches = field(init=False)

    def carry_out(
        self,
        goes_on: bool = False,
        resumed: str | None = None,
        named: AbstractContextManager[None] | None = None,
    ) -> list[JobReturn]:
        """Launch the jobs that are not done, and return the results of all, in the order of the jobs.

        Args:
            goes_on: whether it is an interrupted sweep.
            resumed: MLflow's id of that sweep's own run, if its journal may not lie here.
            named: entered until the sweep's own run has begun, so that no other takes the same name.

        Raises:
            ClaimedError: another process carries it out.
            ConfigError: another sweep has the name.
            StoreError: the store refused what it was sent.
            SweepError: jobs failed; the others have run.
        """
        environment.imports_are_done()
        manifest = self.manifest
        tags = {OWN_SWEEP_TAG: manifest.sweep, COMMAND_TAG: command_digest(manifest.command), REPORT_TAG: self.report}
        tags |= owner_tags() | self.settings.tags
        own = Run(self.target, f"sweep {manifest.sweep}", tags, Path(manifest.folder), goes_on, resumed)
        with ExitStack() as running:
            with named or nullcontext():
                running.enter_context(own)
            take_over(Path(manifest.folder))  # not earlier: of two resumers only one comes here
            if goes_on:
                wait_for_orphans(manifest)
            self.launching = (self.begin or _launch_grid)(self)
            jobs = manifest.total
            own.log_params({"command": " ".join(manifest.command), "axes": ", ".join(manifest.axes), "jobs": jobs})
            own.log_text(manifest.to_json(), MANIFEST)
            own.describe(describe_sweep(manifest.command, manifest.axes, jobs, self.settings.note), manifest.sweep)
            try:
                returns = self._launch_pending(lambda: own.log_text(manifest.to_json(), MANIFEST))
            except BaseException as error:
                with signals.held():
                    self._conclude(own, in_haste=True)
                    if isinstance(error, signals.Stopped):
                        self._show_stop()
                raise
            self._conclude(own)
            self._raise_failures()
        own.require_accepted()
        self._require_accepted()
        if self.settings.register is not None:
            register_winner(self.target, manifest.sweep, self.settings.register)
        return returns

    def pending(self) -> list[FrozenJob]:
        """Return the jobs that are not done; a search may still propose others."""
        done = self._done(self._members())
        return [job for job in self.manifest.jobs if job.number not in done]

    @staticmethod
    def _done(members: Mapping[int, Member]) -> dict[int, Member]:
        return {number: member for number, member in members.items() if member.state.is_done}

    def _launch_pending(self, note_jobs: Callable[[], None]) -> list[JobReturn]:
        before = self._members()
        done = self._done(before)
        for number in done:  # a run that was killed in its last moment may have left it
            folder = checkpoint.checkpoint_folder(
                self.settings.checkpoint_dir, Path(self.manifest.folder) / str(number)
            )
            checkpoint.remove_checkpoint(folder / checkpoint.NAME)
        pending = [job for job in self.manifest.jobs if job.number not in done]
        left = self.manifest.total - len(done)
        self._announce(left, before)
        returns = self.launching.launch_all(pending, note_jobs) if left else {}
        for job in self.manifest.jobs:
            if job.number in done:
                returns[job.number] = recorded_return(job, done[job.number])
        return [returns[number] for number in sorted(returns)]

    def _members(self, stored: Mapping[int, Member] | None = None) -> dict[int, Member]:
        """Return the last run of every job; of jobs whose folder is on another machine as they are ``stored``."""
        own = record.journaled_members(self.manifest)
        done = {n: member for n, member in self.known.items() if member.state.is_done}
        return {**self.known, **(stored or {}), **own, **done}

    def _announce(self, count: int, before: Mapping[int, Member]) -> None:
        states = Counter(member.state for member in before.values())
        known = ", ".join(f"{states[state]} {state}" for state in State if states[state])
        jobs = self.manifest.total
        say(f"sweep {self.manifest.sweep}: {count_of(jobs, 'run')}" + (f" ({known}); {count} to run" if known else ""))

    def _conclude(self, own: Run, in_haste: bool = False) -> None:
        """Record and compare the members. An error here is only a warning: a later ``sync`` compares them again.

        ``in_haste``, after Ctrl-C, nobody waits for a store that is away: then they are compared later.
        """
        manifest = self.manifest
        try:
            if in_haste and self.target.reach(HASTE_SECONDS) is None:
                record_result(None, manifest, own, self._outcomes({}))
                return
            folders = [Path(manifest.folder) / str(job.number) for job in manifest.jobs]
            try:
                self._conclude_from(read_from(self.target, folders), own)
            except StoreAwayError:  # since a moment ago
                self._conclude_from(read_journals(self.target, folders), own)
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            log.warning(
                "the runs of this sweep are recorded, but could not be compared (%s); `%s` compares them",
                reason, typed_command("sync"),
            )  # fmt: skip
            log.info("comparing sweep %s", manifest.sweep, exc_info=error)
            with suppress(OSError):
                record_result(None, manifest, own, self._outcomes({}))

    def _show_stop(self) -> None:
        done = sum(member.state.is_done for member in self._members().values())
        jobs = self.manifest.total
        say_how_to_go_on(f"{done} of {jobs} {'run is' if jobs == 1 else 'runs are'} done")

    def _outcomes(self, stored: Mapping[int, Member]) -> list[Outcome]:
        jobs, launching = self.manifest.jobs, self.launching
        return record.list_outcomes(jobs, self._members(stored), launching.errors, launching.skipped)

    def _conclude_from(self, reading: Reading, own: Run) -> None:
        recorded = record.stored_members(reading.store, self.manifest.sweep)  # with the ids of the store that is read
        record_result(reading, self.manifest, own, self._outcomes({} if reading.is_stand_in else recorded))
        self.conclude(reading, self.manifest, own, {**self.known, **recorded})
        show_links(reading, self.manifest, own, self.report, self.target)

    def _require_accepted(self) -> None:
        """Raise StoreError if the store answers, but did not take the run of some job."""
        folders = {Path(self.manifest.folder) / str(job.number) for job in self.manifest.jobs}
        refused = [one for one in folders & set(unsent_folders(self.target)) if not is_claimed(one)]
        if refused and self.target.reach() is not None:
            raise StoreError(
                f"tracking.uri={self.target.shown}: {count_of(len(refused), 'run')} refused; nothing is lost, and "
                f"`{typed_command('sync')}` says why, and sends them"
            )

    def _raise_failures(self) -> None:
        errors, skipped, manifest = self.launching.errors, self.launching.skipped, self.manifest
        if not errors and not skipped:
            return
        numbers: dict[str, list[int]] = {}  # by reason: what all have in common is said once
        for number, reason in sorted(errors.items()):
            numbers.setdefault(reason, []).append(number)
        lines = "".join(
            f"\n  {_some([manifest.jobs[number].name for number in failed])}: {reason}"
            f"\n    log: {manifest.folder}/{failed[0]}/train.log"
            for reason, failed in numbers.items()
        )
        others = f", {len(skipped)} skipped" if skipped else ""
        raise SweepError(f"{len(errors)} of {count_of(len(manifest.jobs), 'run')} failed{others}{lines}")


def _launch_grid(sweep: Sweep) -> Launches:
    return Launching(sweep.manifest, sweep.settings, sweep.context, sweep.known)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMES])
    return shown if len(names) <= MOST_NAMES else f"{shown} and {len(names) - MOST_NAMES} more"

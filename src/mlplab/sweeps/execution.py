"""A sweep carried out: launched, tried again, stopped, resumed; the store knows at every moment how far it is."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher

from mlplab import checkpoint, interrupts
from mlplab.config import TrainConfig
from mlplab.errors import SkippedError, SweepError
from mlplab.progress import say
from mlplab.sweeps import record
from mlplab.sweeps.manifest import FrozenJob, Manifest, command_digest, quoted
from mlplab.sweeps.membership import FAILURE
from mlplab.sweeps.record import Member
from mlplab.tracking.process import Process
from mlplab.tracking.run import Run
from mlplab.tracking.store import Store, close_vanished

log = logging.getLogger(__name__)

CRASHES = 3  # so often the members are launched again after a launcher that broke down


@dataclass
class Sweep:
    """One sweep under way.

    Attributes:
        settings: of its first job: the keys that say how to carry it out are the same in all.
        errors: why a job failed, by its number; ``skipped``: the jobs that were not begun.
    """

    manifest: Manifest
    settings: TrainConfig
    store: Store
    launcher: Launcher
    errors: dict[int, str] = field(default_factory=dict)
    skipped: list[int] = field(default_factory=list)

    def carry_out(self, resumed: str | None) -> list[JobReturn]:
        """Run what is to be run, within the sweep's own run in MLflow, and return the result of every job.

        Args:
            resumed: id of the sweep's own run, to go on with it.

        Raises:
            StoreError: the store stopped answering.
            SweepError: jobs failed; the others have run.
        """
        manifest, folder = self.manifest, Path(self.manifest.folder)
        folder.mkdir(parents=True, exist_ok=True)
        tags = {
            "sweep": manifest.sweep,
            record.COMMAND_TAG: command_digest(manifest.command),
            **Process.current().tags(),
        }
        with Run(self.store, f"sweep {manifest.sweep}", tags, folder, resumed) as own:
            own.log_params(
                {"command": " ".join(manifest.command), "axes": ", ".join(manifest.axes), "jobs": len(manifest.jobs)}
            )
            own.log_text(manifest.to_json(), record.MANIFEST)
            try:
                returns = self._run_all()
            finally:
                with interrupts.held():
                    self._record_result(own)
                self._show_page()
            self._raise_failures()
        return returns

    def _run_all(self) -> list[JobReturn]:
        before = record.members(self.store, self.manifest.sweep)
        pending = [job for job in self.manifest.jobs if _is_to_run(before.get(job.number))]
        self._announce(len(pending), before)
        for number, member in before.items():
            if member.state == "finished":  # killed in its last moment, it may have left one
                checkpoint.remove(Path(self.manifest.folder) / str(number) / checkpoint.NAME)
        returns = {
            job.number: _recorded_return(job, before[job.number]) for job in self.manifest.jobs if job not in pending
        }
        for attempt in range(1 + self.settings.retry):
            if attempt:
                say(f"trying again: {len(pending)} that failed")
            for number, returned in self._launch_until_done(pending).items():
                returns[number] = returned
            pending = [job for job in pending if job.number in self.errors]
            if not pending:
                break
        return [returns[number] for number in sorted(returns)]

    def _launch_until_done(self, jobs: Sequence[FrozenJob]) -> dict[int, JobReturn]:
        """Launch the jobs; where the launcher breaks down (a worker was killed), those again that had not ended."""
        for job in jobs:
            self.errors.pop(job.number, None)
        (Path(self.manifest.folder) / FAILURE).unlink(missing_ok=True)
        left = list(jobs)
        for crash in range(CRASHES):
            states = record.members(self.store, self.manifest.sweep)
            try:
                return self._launch(left, states)
            except Exception as error:
                if isinstance(error, OSError) and crash == CRASHES - 1:
                    raise
                log.warning("the launcher broke down (%s); the runs that had not ended go on", _first_line(error))
                close_vanished(self.store)
                states = record.members(self.store, self.manifest.sweep)
                left = [job for job in left if _is_to_run(states.get(job.number), failed=False)]
                if not left:
                    break
        ended = record.members(self.store, self.manifest.sweep)
        for job in jobs:
            member = ended.get(job.number)
            if member is None or member.state != "finished":
                self.errors[job.number] = member.error if member and member.error else "its process was killed"
        return {job.number: _recorded_return(job, ended.get(job.number)) for job in jobs}

    def _launch(self, jobs: Sequence[FrozenJob], states: Mapping[int, Member]) -> dict[int, JobReturn]:
        overrides = [self._overrides(job, states.get(job.number)) for job in jobs]
        if isinstance(self.launcher, BasicLauncher):
            launched = self.launcher.launch(overrides, initial_job_idx=0)
        else:
            with interrupts.doing_first(lambda: record.stop_members(self.store, self.manifest.sweep)):
                launched = self.launcher.launch(overrides, initial_job_idx=0)
        for job, returned in zip(jobs, launched, strict=True):
            if returned.status is JobStatus.COMPLETED:
                continue
            reason = returned._return_value  # the public property would print, and raise
            if isinstance(reason, SkippedError):
                self.skipped.append(job.number)
            else:
                self.errors[job.number] = str(reason)
        return {job.number: returned for job, returned in zip(jobs, launched, strict=True)}

    def _overrides(self, job: FrozenJob, member: Member | None) -> list[str]:
        goes_on = member is not None and member.state == "interrupted"
        return [
            *job.overrides(),
            f"resume={str(goes_on).lower()}",
            f"fail_fast={str(self.settings.fail_fast).lower()}",
            f"hydra.sweep.dir={quoted(self.manifest.folder)}",
            f"hydra.sweep.subdir={quoted(str(job.number))}",
        ]

    def _announce(self, count: int, before: Mapping[int, Member]) -> None:
        jobs = len(self.manifest.jobs)
        states = [member.state for member in before.values()]
        known = [f"{states.count(state)} {state}" for state in record.STATES if states.count(state)]
        say(f"sweep {self.manifest.sweep}: {jobs} runs" + (f" ({', '.join(known)}); {count} to run" if known else ""))

    def _record_result(self, own: Run) -> None:
        close_vanished(self.store)
        found = record.members(self.store, self.manifest.sweep)
        own.log_text(record.result(self.manifest.jobs, found, self.skipped), "result.json")
        states = [member.state for member in found.values()]
        for state in record.STATES:
            own.set_tag(f"sweep.{state}", str(states.count(state)))
        own.set_tag("sweep.skipped", str(len(self.skipped)))
        finished = {number: member for number, member in found.items() if member.state == "finished"}
        if finished:
            best = max(finished, key=lambda number: record.score(finished[number].final))
            own.set_tag("sweep.best", self.manifest.jobs[best].name)
            own.set_tag("sweep.best_run", finished[best].run_id)

    def _show_page(self) -> None:
        say(f"all curves of this sweep: {self.store.sweep_page(self.manifest.sweep)}")
        if command := self.store.ui_command():
            say(f"served by:                {command}")

    def _raise_failures(self) -> None:
        if not self.errors:
            return
        listing = [f"{self.manifest.jobs[number].name}: {reason}\n    log: {self.manifest.folder}/{number}/train.log"
                   for number, reason in sorted(self.errors.items())]  # fmt: skip
        skipped = f", {len(self.skipped)} were not begun" if self.skipped else ""
        lines = "".join(f"\n  {line}" for line in listing)
        raise SweepError(f"{len(self.errors)} of {len(self.manifest.jobs)} runs failed{skipped}{lines}")


def _is_to_run(member: Member | None, failed: bool = True) -> bool:
    return member is None or member.state == "interrupted" or (failed and member.state == "failed")


def _recorded_return(job: FrozenJob, member: Member | None) -> JobReturn:
    """Return what Hydra would have got from the job, from what the store knows."""
    returned = JobReturn()
    returned.overrides = job.overrides()
    if member is not None and member.state == "finished":
        returned.status, returned.return_value = JobStatus.COMPLETED, member.final["final/test_accuracy"]
    else:
        returned.status = JobStatus.FAILED
        returned.return_value = SweepError(member.error if member else "did not run")
    return returned


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

"""Launch members: one that fails, or whose process is killed, does not stop the others."""

import io
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from mlplab import schema, signals
from mlplab.config import TrainConfig
from mlplab.errors import SkippedError, SweepError, UserError
from mlplab.place import queued_jobs
from mlplab.schema import State
from mlplab.store.uri import is_server
from mlplab.sweeps import record
from mlplab.sweeps.context import SweepContext
from mlplab.sweeps.countdown import Countdown
from mlplab.sweeps.following import FollowedMembers
from mlplab.sweeps.manifest import FrozenJob, Manifest, quote_override
from mlplab.sweeps.membership import end_launch, forget_failures
from mlplab.sweeps.record import Member
from mlplab.terminal import say

log = logging.getLogger(__name__)

DYING_SECONDS = 10.0  # how long the processes of a broken pool may take to end


@dataclass
class Launching:
    """The launches of one sweep.

    Attributes:
        known: the last run of each job that has one outside the sweep's folder, by job number.
        settings: of its first job; the keys that say how to carry out the sweep are the same in all jobs.
        errors: why a job failed, by its number.
        skipped: numbers of the jobs that were not started, because another one had failed.
    """

    manifest: Manifest
    settings: TrainConfig
    context: SweepContext
    known: Mapping[int, Member]
    errors: dict[int, str] = field(default_factory=dict)
    skipped: set[int] = field(default_factory=set)

    def launch_all(self, jobs: Sequence[FrozenJob]) -> dict[int, JobReturn]:
        """Launch the jobs; launch those that failed or were skipped up to ``retry`` times more."""
        returns: dict[int, JobReturn] = {}
        pending = list(jobs)
        for attempt in range(1 + self.settings.retry):
            if attempt:
                say(f"trying again: {len(self.errors)} that failed")
            self.errors.clear()
            self.skipped.clear()
            forget_failures(Path(self.manifest.folder))
            returns |= self._launch_surviving(pending)
            pending = [job for job in pending if job.number in self.errors or job.number in self.skipped]
            if not self.errors:
                break
        forget_failures(Path(self.manifest.folder))
        return returns

    def _members(self) -> dict[int, Member]:
        return {**self.known, **record.journaled_members(self.manifest)}

    def _launch_surviving(self, jobs: Sequence[FrozenJob]) -> dict[int, JobReturn]:
        """Launch the jobs. If the launcher breaks down (a process was killed), launch those again that had not ended.

        It is unknown which of the running jobs broke it: each of them is launched alone, after the others.
        """
        before = self._members()
        now, reason = before, ""
        returns: dict[int, JobReturn] = {}
        batches = [list(jobs)]
        while batches:
            batch = batches.pop(0)
            try:
                returns |= self._launch(batch, now)
                continue
            except (HydraException, OmegaConfBaseException, UserError):
                raise
            except Exception as error:
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            now = self._after_breakdown()
            left = [job for job in batch if not _has_ended(now.get(job.number), before.get(job.number))]
            if len(batch) == 1 or not left:
                continue
            log.warning("the launcher broke down (%s); launching %d runs again that had not ended", reason, len(left))
            begun = [job for job in left if job.number in now] or left
            batches += [[job for job in left if job not in begun], *([job] for job in begun)]
            batches = [batch for batch in batches if batch]
        self._add_recorded(jobs, returns, reason)
        return returns

    def _after_breakdown(self) -> dict[int, Member]:
        """Wait until no process of the launcher is left; return the members by job number."""
        deadline = time.monotonic() + DYING_SECONDS
        while True:
            members = self._members()
            if time.monotonic() > deadline or not any(member.state is State.running for member in members.values()):
                return members
            time.sleep(0.2)

    def _add_recorded(self, jobs: Sequence[FrozenJob], returns: dict[int, JobReturn], reason: str) -> None:
        """Add the recorded results that the launcher did not return, and an error for what has not finished."""
        members = self._members()
        for job in jobs:
            member = members.get(job.number)
            if job.number not in returns:
                returns[job.number] = recorded_return(job, member)
                if member is None or not member.state.is_done:
                    said = member.error if member else ""
                    self.errors[job.number] = said or f"its process was killed ({reason})"

    def _launch(self, jobs: Sequence[FrozenJob], states: Mapping[int, Member]) -> dict[int, JobReturn]:
        overrides = [self._overrides(job, states.get(job.number)) for job in jobs]
        launch = self.context.launcher.launch
        if self.context.runs_in_this_process:
            with queued_jobs([job.number for job in jobs], len(self.manifest.jobs)):
                launched = launch(overrides, initial_job_idx=0)
        else:
            members = FollowedMembers(Path(self.manifest.folder), jobs)
            with signals.before_stopping(self._stop_members), Countdown(members):
                launched = launch(overrides, initial_job_idx=0)
        returns = {job.number: returned for job, returned in zip(jobs, launched, strict=True)}
        for number, returned in returns.items():
            error = _error_of(returned)
            if isinstance(error, SkippedError):
                self.skipped.add(number)
            elif error is not None:
                self.errors[number] = str(error)
        return returns

    def _stop_members(self) -> None:
        end_launch(Path(self.manifest.folder))
        if self.context.launcher_cancels:
            return
        record.stop_members(self.manifest)

    def _sends_checkpoints(self) -> bool:
        """Whether the store is to have checkpoints: the launcher's machines may share no folder."""
        tracking = self.settings.tracking
        is_shared = self.settings.checkpoint_dir is not None or not is_server(tracking.uri or "")
        return tracking.checkpoints or (self.context.runs_elsewhere and not is_shared)

    def _overrides(self, job: FrozenJob, member: Member | None) -> list[str]:
        goes_on = member is not None and member.state in (State.killed, State.failed)
        tracking, shared = self.settings.tracking, self.settings.checkpoint_dir
        folder = None if shared is None else str(Path(shared).expanduser().absolute())
        return [
            *job.overrides(),
            f"tracking.uri={'null' if tracking.uri is None else quote_override(tracking.uri)}",
            f"tracking.offline={str(tracking.offline).lower()}",
            f"tracking.heartbeat_seconds={tracking.heartbeat_seconds}",
            f"tracking.lease_seconds={tracking.lease_seconds}",
            f"tracking.checkpoints={str(self._sends_checkpoints()).lower()}",
            f"checkpoint_dir={'null' if folder is None else quote_override(folder)}",
            f"resume={str(goes_on).lower()}",
            f"fail_fast={str(self.settings.fail_fast).lower()}",
            "hydra.mode=MULTIRUN",  # needed if a preset, and not -m, made this a sweep
            f"hydra.sweep.dir={quote_override(self.manifest.folder)}",
            f"hydra.sweep.subdir={quote_override(str(job.number))}",
        ]


def _error_of(returned: JobReturn) -> Exception | None:
    if returned.status is JobStatus.COMPLETED:
        return None
    try:
        with redirect_stderr(io.StringIO()):  # Hydra prints the error there before it raises it
            returned.return_value  # noqa: B018
    except Exception as error:
        return error
    return None


def recorded_return(job: FrozenJob, member: Member | None) -> JobReturn:
    """Return the job's result as Hydra would have returned it: None where it was pruned."""
    returned = JobReturn()
    returned.overrides = job.overrides()
    if member is not None and member.state.is_done:
        returned.status, returned.return_value = JobStatus.COMPLETED, member.final.get(schema.final_accuracy("test"))
    else:
        returned.status = JobStatus.FAILED
        returned.return_value = SweepError(member.error if member else "did not run")
    return returned


def _has_ended(member: Member | None, before: Member | None) -> bool:
    """Tell whether a job has finished, was pruned, or has failed since it was ``before``."""
    if member is None or member.state in (State.killed, State.running):
        return False
    return member.state is not State.failed or before is None or member.ended != before.ended

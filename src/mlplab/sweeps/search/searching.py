"""Launch the runs of a search: as one ends, the next is proposed and begins; nobody waits for the slowest."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from hydra.core.utils import JobReturn
from optuna.exceptions import StorageInternalError

from mlplab import signals
from mlplab.config import TrainConfig
from mlplab.errors import SkippedError, SweepError
from mlplab.launchers.slots import OneSlot, Slots
from mlplab.place import queued_jobs
from mlplab.sweeps import record
from mlplab.sweeps.context import SweepContext
from mlplab.sweeps.countdown import Countdown
from mlplab.sweeps.following import FollowedMembers
from mlplab.sweeps.launching import error_of, stop_all
from mlplab.sweeps.manifest import FrozenJob, Manifest, quote_override
from mlplab.sweeps.member_overrides import member_overrides
from mlplab.sweeps.membership import forget_failures
from mlplab.sweeps.record import Member
from mlplab.sweeps.search.job_trials import Trials
from mlplab.sweeps.search.limits import Limits
from mlplab.sweeps.search.proposals import Proposals
from mlplab.terminal import say


@dataclass
class Searching:
    """The launches of one search.

    Attributes:
        manifest: its jobs are those that have been proposed; each new one is added.
        settings: say how the sweep is carried out.
        known: the last run of each job that has one outside the sweep's folder, by job number.
        errors: why a job failed, by its number.
        skipped: numbers of the jobs that were not started, because another one had failed.
    """

    manifest: Manifest
    settings: TrainConfig
    context: SweepContext
    known: Mapping[int, Member]
    proposals: Proposals
    trials: Trials
    limits: Limits
    errors: dict[int, str] = field(default_factory=dict)
    skipped: set[int] = field(default_factory=set)
    _waiting: deque[FrozenJob] = field(default_factory=deque, init=False)
    _attempts: Counter[int] = field(default_factory=Counter, init=False)
    _is_over: bool = field(default=False, init=False)

    def launch_all(self, jobs: Sequence[FrozenJob], note_jobs: Callable[[], None]) -> dict[int, JobReturn]:
        """Launch these jobs, which a former command left, and then as many new ones as the search has trials left.

        ``note_jobs`` is called when a job was added to the manifest.
        """
        forget_failures(Path(self.manifest.folder))
        returns: dict[int, JobReturn] = {}
        try:
            self.trials.catch_up(self._members())
            self._waiting.extend(jobs)
            slots = self.context.slots()
            with self._shown(slots, jobs) as follow:
                while True:
                    while slots.free and (job := self._next_job(note_jobs)) is not None:
                        follow(job)
                        slots.start(job.number, self._overrides(job))
                    if slots.are_empty:
                        break
                    for number, returned in slots.wait().items():
                        returns[number] = returned
                        self._note_end(self.manifest.jobs[number], returned)
        except StorageInternalError as error:
            raise SweepError(
                f"search_storage={self.settings.search_storage}: does not answer ({error}); no run is lost, and the "
                "same command with resume=true goes on"
            ) from error
        finally:
            forget_failures(Path(self.manifest.folder))
        return returns

    def _members(self) -> dict[int, Member]:
        return {**self.known, **record.journaled_members(self.manifest)}

    @contextmanager
    def _shown(self, slots: Slots, jobs: Sequence[FrozenJob]) -> Iterator[Callable[[FrozenJob], None]]:
        """Show the progress of what runs inside; what the block gets takes each job that begins."""
        total = len(self.manifest.jobs) + self._count_left()
        if isinstance(slots, OneSlot):
            left = [*(job.number for job in jobs), *range(len(self.manifest.jobs), total)]
            with queued_jobs(left, total):
                yield _not_followed
            return
        followed = FollowedMembers(Path(self.manifest.folder), [], len(jobs) + self._count_left())
        try:
            with signals.before_stopping(partial(stop_all, self.manifest, self.context)), Countdown(followed):
                yield followed.add
        except BaseException:
            slots.cancel()
            raise

    def _count_left(self) -> int:
        return max(0, self.manifest.total - len(self.manifest.jobs))

    def _next_job(self, note_jobs: Callable[[], None]) -> FrozenJob | None:
        """Return the job to begin now; None if no other is to begin."""
        if self.errors and self.settings.fail_fast:
            self.skipped |= {job.number for job in self._waiting}
            return None
        if self._waiting:
            return self._opened(self._waiting.popleft())
        if self._is_over or not self._count_left():
            return None
        if reason := self.limits.reached():
            self._is_over = True
            say(f"{reason}; no other run begins")
            return None
        number = len(self.manifest.jobs)
        if (proposed := self.proposals.next_job(number)) is None:
            self._is_over = True
            say(f"all combinations have been tried: {number} of trials={self.manifest.total}")
            return None
        job, trial = proposed
        self.trials.note(number, trial)
        self.manifest.jobs.append(job)
        note_jobs()
        return job

    def _opened(self, job: FrozenJob) -> FrozenJob:
        """Give a job that goes on an open trial: Optuna does not open one again that has failed."""
        if not self.trials.is_open(job.number):
            self.trials.note(job.number, self.proposals.again(job, self.trials.params(job.number)))
        return job

    def _overrides(self, job: FrozenJob) -> list[str]:
        has_begun = (Path(self.manifest.folder) / str(job.number)).exists()  # all journals are read for those alone
        member = self._members().get(job.number) if has_begun else self.known.get(job.number)
        storage = self.settings.search_storage
        return [
            *member_overrides(self.manifest, job, member, self.settings, self.context),
            f"trial={self.trials[job.number]}",
            f"pruner={self.settings.pruner}",
            f"search_storage={'null' if storage is None else quote_override(storage)}",
        ]

    def _note_end(self, job: FrozenJob, returned: JobReturn) -> None:
        error = error_of(returned)
        self.limits.note_time()
        if error is None:
            self.trials.tell(job.number, returned.return_value)
        elif isinstance(error, SkippedError):
            self.skipped.add(job.number)
        elif self._attempts[job.number] < self.settings.retry:
            self._attempts[job.number] += 1
            say(f"trying again: {job.name}")
            self._waiting.append(job)
        else:
            self.errors[job.number] = str(error)
            self.trials.tell_failure(job.number)


def _not_followed(job: FrozenJob) -> None:
    """A run in this process has a progress bar of its own."""

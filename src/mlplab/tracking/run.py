"""The life of one run: it writes to its journal, and a sender carries the journal to MLflow; nothing is lost."""

import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from mlplab.errors import ClaimedError, LostRunError, StoreError, SweepError
from mlplab.paths import portable
from mlplab.schema import DIVERGED_TAG, FOLDER_TAG, PRUNED_REASON_TAG, PRUNED_STEP_TAG, STATE_TAG, State
from mlplab.signals import Stopped, held
from mlplab.store.store import Store
from mlplab.store.target import Target
from mlplab.store.uri import portable_uri
from mlplab.tracking import outbox
from mlplab.tracking.endings import end_of, milliseconds
from mlplab.tracking.history import recorded_in_journal, recorded_in_store
from mlplab.tracking.opening import open_journal
from mlplab.tracking.process import Process
from mlplab.tracking.records import Begin, Description, Input, Params, Points, Tags
from mlplab.tracking.run_files import RunFiles
from mlplab.tracking.sender import Sender


class Run:
    """A run, as a context manager: its status says how the block ended.

    Whatever is logged is on the disk at once, and in MLflow as soon as it answers. A store that is away never stops
    the block, and fails nothing.

    A run that was interrupted can be entered again: what it has logged already is not logged twice.

    Attributes:
        artifacts: a folder to write files into; they are sent at the end.
        files: the artifacts that are sent earlier.
    """

    def __init__(
        self,
        target: Target,
        name: str,
        tags: Mapping[str, str],
        folder: Path,
        goes_on: bool = False,
        resumed: str | None = None,
        adds: bool = False,
    ) -> None:
        """Prepare; nothing is written before ``with``.

        Args:
            target: where the run is to be recorded.
            name: of the run.
            tags: of the run, beside those that say which process writes it and where.
            folder: of its journal.
            goes_on: whether to enter the run again whose journal lies there, and not to begin another.
            resumed: MLflow's id of a run to enter again whose journal is not there.
            adds: only add artifacts and tags to a run that has ended and whose journal is there.
        """
        self._target, self._name, self._folder = target, name, folder
        self._goes_on, self._resumed, self._adds = goes_on or adds, resumed, adds
        self._tags = {**tags, **Process.current().tags(), FOLDER_TAG: portable(folder)}
        self._final: dict[str, float] = {}
        self._pruned = False

    def __enter__(self) -> "Run":
        """Begin, or begin again; the run is then RUNNING.

        Raises:
            ClaimedError: another process writes this run.
            JournalError: its journal is damaged.
            StoreError: it is to be continued without a journal, and the store does not tell what it has.
            OSError: the folder cannot be written.
        """
        try:
            with held():
                self._journal = open_journal(self._name, self._folder, self._goes_on, self._resumed)
                try:
                    self._begin()
                except BaseException:
                    self._journal.close()
                    raise
                self.files = RunFiles(self._target, self._journal)
                self._sender = Sender(self._target, self._journal)
                if not self._adds:
                    self._sender.start()
        except Stopped as stopped:  # it came while the run began, and was held back until it had
            if hasattr(self, "_sender"):
                self.__exit__(type(stopped), stopped, stopped.__traceback__)
            raise
        return self

    def _begin(self) -> None:
        journal = self._journal
        known = bool(journal.records)
        key = journal.beginning.key if known else uuid.uuid4().hex
        outbox.enter(key, self._folder)
        self.artifacts.mkdir(exist_ok=True)
        if known or self._resumed is None:
            self._recorded = recorded_in_journal(journal.records)
        else:
            self._recorded = recorded_in_store(self._target.connect(), self._resumed)
        if self._adds:
            return
        resumed = None if known else self._resumed
        uri, experiment = portable_uri(self._target.uri), self._target.experiment
        journal.append(Begin(key, uri, experiment, self._name, self._tags, milliseconds(), resumed))

    @property
    def artifacts(self) -> Path:
        return self._journal.artifacts

    @property
    def run_id(self) -> str | None:
        """MLflow's id of the run; None as long as the store has not created it."""
        return self._journal.run_id

    @property
    def folder(self) -> Path:
        """The folder of its journal."""
        return self._folder

    @property
    def store(self) -> Store | None:
        """The store; None as long as it has not answered."""
        return self._sender.store

    @property
    def is_away(self) -> bool:
        """Whether the store does not answer."""
        return self._sender.is_away

    @property
    def waiting_values(self) -> int:
        """How many values of metrics the store does not have yet."""
        return self._journal.waiting_values

    @property
    def is_sent(self) -> bool:
        """Whether the store has everything."""
        return self._journal.is_sent

    @property
    def slowest_request(self) -> float:
        """The seconds that the slowest request to the store took."""
        return self._sender.slowest_request

    def require_taken_over(self) -> None:
        """Wait until the store, if it answers, has noted that this process goes on with a run of another machine.

        Raises ClaimedError: a third one took the run over at the same moment.
        """
        while self._journal.is_adopting and not self._sender.is_lost and not self.is_away and self._sender.is_working:
            time.sleep(0.05)
        if self._sender.is_lost:
            raise ClaimedError(f"{self._name}: another process goes on with it; wait for it, or stop it")

    def require_accepted(self) -> None:
        """Raise the StoreError with which the store refused the run, if it did."""
        if self._journal.unwritten_bytes and not self._journal.is_sent:
            raise StoreError(f"{self._folder}: the journal of the run cannot be written there; free space")
        if self._sender.refusal is not None:
            raise StoreError(f"{self._sender.refusal}. The run is kept in {self._folder}; then: python src/sync.py")

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log the parameters."""
        values = {key: str(value) for key, value in params.items() if key not in self._recorded.params}
        if values:
            self._journal.append(Params(values))

    def log_dataset(
        self, name: str, digest: str, source: tuple[str, Mapping[str, Any]], profile: Mapping[str, Any]
    ) -> None:
        """Log the data set that the run trains on; ``source`` is a type of MLflow dataset source, and its fields."""
        kind, fields = source
        self._journal.append(Input(name, digest, kind, dict(fields), dict(profile)))

    def log_text(self, text: str, name: str) -> None:
        """Log a text artifact, now."""
        self.files.log_text(text, name)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        self._journal.append(Tags(dict(tags)))

    def prune(self, step: int, reason: str) -> None:
        """Let the run, whose training was stopped after ``step`` updates, end as pruned, and not as finished."""
        self._pruned = True
        self.set_tags({STATE_TAG: State.pruned, PRUNED_STEP_TAG: str(step), PRUNED_REASON_TAG: reason[:1_000]})

    def describe(self, text: str, sweep: str | None) -> None:
        """Set the description, in Markdown, unless there is one: people may have edited it.

        Links to the ``sweep`` are added.
        """
        if not self._recorded.is_described:
            self._journal.append(Description(text, sweep))

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Log the values that these metrics have at ``step``.

        Raises:
            LostRunError: another process has taken the run over.
        """
        if self._sender.is_lost:
            raise LostRunError(f"{self._name}: another process has taken this run over; this one stops")
        values = {key: value for key, value in metrics.items() if (key, step) not in self._recorded.points}
        if values:
            self._journal.append(Points(step, milliseconds(), values))

    def log_results(self, metrics: Mapping[str, float]) -> None:
        """Log metrics that a run has once, at its end; what it had before it was resumed stays.

        At step 0: MLflow's charts draw bars of metrics that have no other step, and dots otherwise.
        """
        self._final |= metrics
        self.log_metrics({key: value for key, value in metrics.items() if key not in self._recorded.metrics}, step=0)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the run as FINISHED, FAILED (an error) or KILLED (a signal); signals wait until it has ended."""
        with held():
            if self._sender.is_lost:
                self._sender.close()
                return
            try:
                if self._adds:
                    self._sender.start()
                else:
                    self._end(error)
                self._sender.wait_until_sent(
                    self._target.parting if isinstance(error, Stopped) else self._target.patience
                )
            finally:
                self._sender.close()

    def _end(self, error: BaseException | None) -> None:
        end = end_of(error, self._final | self._recorded.final, self._pruned)
        if end.status == "FAILED" and not isinstance(error, SweepError):  # it names the members and the reasons
            self.files.write_traceback(error)
        self.files.log_rest()
        if end.diverged:
            self.set_tags({DIVERGED_TAG: "true"})
        self._journal.append(end)

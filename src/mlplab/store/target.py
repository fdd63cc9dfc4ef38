"""The store that the config names, which may be away, and the experiment in it."""

import logging
import threading
import time
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from pathlib import Path

from mlplab.background import in_background
from mlplab.commands import typed_command
from mlplab.errors import StoreAwayError, StoreError
from mlplab.signals import Stopped
from mlplab.store import store
from mlplab.store.sqlite_file import DatabaseFile
from mlplab.store.store import Store
from mlplab.store.uri import DEFAULT_URI, SQLITE, absolute, public, sqlite_path
from mlplab.tracking_config import TrackingConfig

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 4.0  # how long the work waits for a store that does not answer, once in an outage
HASTE_SECONDS = 1.5  # likewise after Ctrl-C
# Likewise at the end of a run, and after a signal, on a machine where perhaps no later command sends what waits.
LAST_SECONDS, PARTING_SECONDS = 60.0, 10.0
RETRY_SECONDS = 10.0


@dataclass(frozen=True)
class Target:
    """A store, and how it is used.

    Attributes:
        uri: of the store.
        experiment: the name of MLflow's experiment in it.
        offline: the store must not be asked.
        heartbeat: seconds between two signs of life of a run.
        lease: seconds without such a sign after which another machine may take the run over.
        patience: seconds that a run waits for a silent store at its end.
        parting: the same after a signal.
    """

    uri: str
    experiment: str
    offline: bool = False
    heartbeat: float = 15.0
    lease: float = 60.0
    patience: float = PATIENCE_SECONDS
    parting: float = HASTE_SECONDS

    @classmethod
    def of(cls, config: TrackingConfig) -> "Target":
        """Return the target that the config names."""
        uri = absolute(config.uri or DEFAULT_URI)
        is_elsewhere = config.checkpoints  # a launcher of a cluster sets it
        waits = (LAST_SECONDS, PARTING_SECONDS) if is_elsewhere else (PATIENCE_SECONDS, HASTE_SECONDS)
        return cls(uri, config.experiment, config.offline, config.heartbeat_seconds, config.lease_seconds, *waits)

    @property
    def shown(self) -> str:
        """The URI without a password."""
        return public(self.uri)

    def unknown_past(self) -> StoreAwayError:
        """Return the error of a resume that cannot learn what has run."""
        why = f"{self.shown} does not answer, and only it knows what has run; try again later"
        if self.offline:
            why = "tracking=offline asks no store, and only that knows what has run; leave tracking=offline out"
        return StoreAwayError(f"resume=true: {why}")

    def connect(self) -> Store:
        """Return the store, as once connected; what does not exist yet is created.

        Raises:
            StoreAwayError: it does not answer now, or must not be asked.
            StoreError: it cannot be used, or its file was removed since this process opened it.
        """
        if self.offline:
            raise StoreAwayError("tracking=offline: the store is not asked")
        known = _connected.get((self.uri, self.experiment))
        if known is not None:
            self._require_same_file()
            return known
        with _connecting:
            connected = store.connect(self.uri, self.experiment)
            _connected[self.uri, self.experiment] = connected
            _files.setdefault(self.uri, _file_of(self.uri))
        return connected

    def reach(self, patience: float = PATIENCE_SECONDS) -> Store | None:
        """Return the store; None if it is away. Waits ``patience`` seconds at most, and not again for RETRY_SECONDS.

        Raises:
            StoreError: it cannot be used.
        """
        if self.offline or _asked_recently(self.uri):
            return None
        if self.uri.startswith(SQLITE):
            return self.connect()  # creating the file may take longer
        try:
            reached = in_background(self._ask).result(patience)
        except StoreAwayError as error:
            note_outage(self.uri, str(error))
            return None
        except FutureTimeoutError:
            note_silence(self.uri, patience)
            return None
        note_answer(self.uri)
        return reached

    def patience_after(self, error: BaseException | None) -> float:
        """Return how many seconds a run that ends with this error waits for a silent store."""
        return self.parting if isinstance(error, Stopped) else self.patience

    def answers(self) -> bool:
        """Tell whether the store answers, within PATIENCE_SECONDS."""
        try:
            in_background(self._ask).result(PATIENCE_SECONDS)
        except (StoreError, FutureTimeoutError):
            return False
        return True

    def _ask(self) -> Store:
        """Return the store, after one request: it may have gone since it was connected."""
        connected = self.connect()
        with connected.explaining():
            connected.client.get_experiment(connected.experiment_id)
        return connected

    def _require_same_file(self) -> None:
        file = _files.get(self.uri)
        if file is not None and not file.is_still_there():
            raise StoreError(
                f"tracking.uri={self.shown}: the file was removed or replaced while a run was writing; what it "
                f"had to write is kept, and `{typed_command('sync')}` sends it to the store that lies there now"
            )


_connected: dict[tuple[str, str], Store] = {}  # of this process
_files: dict[str, DatabaseFile | None] = {}
_connecting = threading.Lock()


@dataclass
class _Outage:
    since: float
    last_tried: float


_outages: dict[str, _Outage] = {}  # of this process, by URI


def note_silence(uri: str, seconds: float) -> None:
    """Note that the store has not answered for so long: nobody waits for it again in the same outage."""
    note_outage(uri, f"no answer in {seconds:g} s", seconds)


def note_outage(uri: str, reason: str, since: float = 0.0) -> None:
    """Note that the store did not answer, since so many seconds ago, and warn once in an outage."""
    now = time.monotonic()
    if uri not in _outages:
        log.warning("%s does not answer (%s); the work goes on, and what is measured is kept", public(uri), reason)
    _outages[uri] = _Outage(_outages[uri].since if uri in _outages else now - since, now)


def note_answer(uri: str) -> None:
    """Note that the store answers."""
    _outages.pop(uri, None)


def outage_seconds(uri: str) -> float | None:
    """Return for how long the store has not answered this process; None if it answers."""
    outage = _outages.get(uri)
    return None if outage is None else time.monotonic() - outage.since


def _asked_recently(uri: str) -> bool:
    outage = _outages.get(uri)
    return outage is not None and time.monotonic() - outage.last_tried < RETRY_SECONDS


def _file_of(uri: str) -> DatabaseFile | None:
    path = sqlite_path(uri)
    return None if path is None else DatabaseFile.at(Path(path))

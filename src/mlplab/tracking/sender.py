"""Carries one journal into its store while the run works, in a thread; an outage only makes the queue longer."""

import logging
import threading
import time
from math import inf

from mlplab.errors import LostRunError, StoreError
from mlplab.schema import HEARTBEAT_TAG
from mlplab.store.faults import explained, is_away, reason_of
from mlplab.store.store import Store
from mlplab.store.target import Target, note_answer, note_outage, note_silence, outage_seconds
from mlplab.store.uri import SQLITE
from mlplab.tracking import delivery, outbox
from mlplab.tracking.heartbeat import beat
from mlplab.tracking.journal import Journal

log = logging.getLogger(__name__)

SEND_SECONDS = 2.0  # points are collected so long: writing a hundred costs as much as writing one


class Sender:
    """Sends what a journal has pending, until its run has ended and everything is sent.

    Attributes:
        refusal: why the store refuses what it was sent; None as long as it does not.
        slowest_request: the seconds that it took.
        is_lost: whether another process has taken the run over; nothing is sent any more.
    """

    def __init__(self, target: Target, journal: Journal) -> None:
        """Prepare to send the journal, whose claim passes to this sender."""
        self._target, self._journal = target, journal
        self.refusal: StoreError | None = None
        self.is_lost = False
        self.slowest_request = 0.0
        self._store: Store | None = None
        self._prepared = -inf  # when it was last seen that no other process has taken the run over
        self._woken = threading.Event()
        self._changed = threading.Condition()
        self._asking_since: float | None = None
        self._next_beat = time.monotonic() + target.heartbeat
        self._thread = threading.Thread(target=self._work, name="sender", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        if not self._target.offline:
            self.wake()  # so that MLflow shows the run at once
            self._thread.start()

    @property
    def is_working(self) -> bool:
        """Whether it still tries to send."""
        return self._thread.is_alive() and self.refusal is None

    def wake(self) -> None:
        """Send now, and not at the end of the current pause."""
        self._woken.set()

    @property
    def store(self) -> Store | None:
        """The store; None as long as it has not answered."""
        return self._store

    @property
    def is_away(self) -> bool:
        """Whether the store does not answer."""
        return self._target.offline or outage_seconds(self._target.uri) is not None

    def wait_until_sent(self, patience: float) -> bool:
        """Wait until everything is sent; return whether it is.

        Waits as long as the store answers, and ``patience`` seconds for a store that does not: in all, for one outage.
        """
        self.wake()
        while not self._journal.is_sent and self._may_still_send(patience):
            with self._changed:
                self._changed.wait(0.05)
        is_sent = self._journal.is_sent
        if not is_sent and self.refusal is None and self._thread.is_alive():
            note_silence(self._target.uri, patience)
        return is_sent

    def _may_still_send(self, patience: float) -> bool:
        if self.refusal is not None or self.is_lost or not self._thread.is_alive():
            return False
        since, silent = self._asking_since, outage_seconds(self._target.uri) or 0.0
        if self._target.uri.startswith(SQLITE):  # it answers, or refuses, or others write just now
            return silent < patience
        return max(silent, 0.0 if since is None else time.monotonic() - since) < patience

    def _work(self) -> None:
        while not self._is_over():
            self._woken.wait(SEND_SECONDS)
            self._woken.clear()
            self._send_pending()
        if not self._journal.is_open:
            self._close()

    def _is_over(self) -> bool:
        if self.is_lost or self.refusal is not None:
            return True
        return not self._journal.is_open and self._journal.is_sent

    def _send_pending(self) -> None:
        try:
            while self._ask():
                note_answer(self._target.uri)
                with self._changed:
                    self._changed.notify_all()
        except LostRunError:
            self.is_lost = True
        except Exception as error:
            self._take(error)
        finally:
            self._asking_since = None

    def _ask(self) -> bool:
        """Make one request; return whether there was one to make."""
        self._asking_since = time.monotonic()
        self._store = self._target.connect()  # a file that was removed meanwhile is noticed here
        if time.monotonic() - self._prepared > self._target.lease / 2:  # it may have slept, or waited
            self._prepare(self._store)
        if not self._journal.is_sent:
            began = time.monotonic()
            delivery.deliver_next(self._store, self._journal)
            self.slowest_request = max(self.slowest_request, time.monotonic() - began)
            return True
        if self._journal.is_open and time.monotonic() >= self._next_beat:
            self._beat(self._store)
        return False

    def _beat(self, store: Store) -> None:
        self._prepare(store)
        if self._journal.run_id is not None:
            store.client.set_tag(self._journal.run_id, HEARTBEAT_TAG, beat())
        self._next_beat = time.monotonic() + self._target.heartbeat

    def _prepare(self, store: Store) -> None:
        asked = time.monotonic()
        delivery.prepare(store, self._journal)
        self._prepared = asked

    def _take(self, error: Exception) -> None:
        uri = self._target.uri
        if not is_away(uri, error):
            self.refusal = self._refusal_of(error)
            log.warning("%s. Training goes on; what the store does not take is kept", self.refusal)
            return
        self._prepared = -inf
        note_outage(uri, reason_of(error))

    def _refusal_of(self, error: Exception) -> StoreError:
        try:
            self._target.connect()  # perhaps the file was removed since the last look
        except StoreError as cause:
            return cause
        return explained(self._target.uri, error)

    def close(self) -> None:
        """Let others send what is left, unless this sender still tries to: call it after the run has ended."""
        if self._journal.is_sent and self._thread.is_alive():
            self.wake()
            self._thread.join()  # it has nothing to do but to close the journal
        elif not self._thread.is_alive():
            self._close()

    def _close(self) -> None:
        if self.is_lost or self._journal.is_sent:
            outbox.remove(self._journal)
        self._journal.close()

"""What a run has logged before it is entered again: nothing of it is logged twice."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mlplab.schema import FINAL, NOTE_TAG, TIME
from mlplab.store.store import Store
from mlplab.store.target import Target
from mlplab.tracking.journal import Journal
from mlplab.tracking.records import Deliverable, Description, Params, Points


@dataclass
class Recorded:
    """What a run has.

    Attributes:
        points: names of metrics and their steps.
        final: its final metrics.
    """

    params: set[str] = field(default_factory=set)
    points: set[tuple[str, int]] = field(default_factory=set)
    final: dict[str, float] = field(default_factory=dict)
    is_described: bool = False

    @property
    def metrics(self) -> set[str]:
        """The names of its metrics."""
        return {key for key, _ in self.points}


def recorded_in_journal(records: Sequence[Deliverable]) -> Recorded:
    """Return what the journal of a run has."""
    recorded = Recorded()
    for record in records:
        if isinstance(record, Params):
            recorded.params |= record.values.keys()
        elif isinstance(record, Points):
            recorded.points |= {(key, record.step) for key in record.values}
            recorded.final |= _final(record.values)
        elif isinstance(record, Description):
            recorded.is_described = True
    return recorded


def recorded_in_store(store: Store, run_id: str) -> Recorded:
    """Return what the store has of a run. Raises StoreError."""
    with store.explaining():
        data = store.client.get_run(run_id).data
    points = {(point.key, point.step) for point in store.points(run_id)}
    return Recorded(set(data.params), points, _final(data.metrics), NOTE_TAG in data.tags)


def _final(metrics: dict[str, float]) -> dict[str, float]:
    return {key: value for key, value in metrics.items() if key.startswith((FINAL, TIME))}


def read_recorded(journal: Journal, target: Target, resumed: str | None) -> Recorded:
    """Return what was logged of a run, by its journal; of a ``resumed`` one whose journal is elsewhere, by the store.

    Raises:
        StoreError: the store does not tell.
    """
    if journal.records or resumed is None:
        return recorded_in_journal(journal.records)
    return recorded_in_store(target.connect(), resumed)

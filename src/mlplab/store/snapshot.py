"""A store as one comparison sees it: nothing is asked twice."""

from dataclasses import dataclass, field

from mlflow.entities import Run

from mlplab.store.store import Store


@dataclass(frozen=True)
class Snapshot(Store):
    """A store that remembers its answers: table, verdict and page say the same, and a server is asked once.

    For one comparison: what is logged later is not seen.
    """

    searches: dict[str, list[Run]] = field(default_factory=dict, compare=False)  # by query
    texts: dict[tuple[str, str], str | None] = field(default_factory=dict, compare=False)  # by run id and name

    @classmethod
    def of(cls, store: Store) -> "Snapshot":
        """Return a snapshot of the store that knows nothing yet."""
        return cls(store.uri, store.experiment_id, store.client)

    def search(self, query: str) -> list[Run]:
        """Return what the store does; raise what it raises."""
        if query not in self.searches:
            self.searches[query] = super().search(query)
        return self.searches[query]

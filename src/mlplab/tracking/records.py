"""What a journal holds: everything that MLflow is to know of a run, in the order in which it happened.

Each record can be delivered twice with the result of once: points keep their time, creation its key.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import get_args

from mlplab.errors import JournalError
from mlplab.schema import State, run_state


@dataclass(frozen=True)
class Begin:
    """A process began to write the run: it is RUNNING from now on.

    Attributes:
        key: chosen by the client; a tag by which a run is recognised whose creation was never answered.
        uri: of the store, without a password; "" for the project's own.
        run_id: of a run that the store has already; None for one to be created.
        time: milliseconds since 1970.
    """

    key: str
    uri: str
    experiment: str
    name: str
    tags: dict[str, str]
    time: int
    run_id: str | None = None


@dataclass(frozen=True)
class Params:
    """Parameters."""

    values: dict[str, str]


@dataclass(frozen=True)
class Input:
    """The data set that the run trains on; ``kind`` is a type of MLflow dataset source, ``source`` its fields."""

    name: str
    digest: str
    kind: str
    source: dict[str, object]
    profile: dict[str, object]


@dataclass(frozen=True)
class Tags:
    """Tags."""

    values: dict[str, str]


@dataclass(frozen=True)
class Description:
    """The description, in Markdown; links to the sweep are added on delivery, when its address is known."""

    text: str
    sweep: str | None


@dataclass(frozen=True)
class Points:
    """Values of metrics at one step; the time is in milliseconds since 1970."""

    step: int
    time: int
    values: dict[str, float]


@dataclass(frozen=True)
class Artifact:
    """A file, by its path within the run's artifacts."""

    path: str


@dataclass(frozen=True)
class Model:
    """The run's model: a folder, by its path within the run's artifacts, and the digest of what lies in it."""

    path: str
    digest: str


@dataclass(frozen=True)
class End:
    """The run ended.

    Attributes:
        status: FINISHED, FAILED or KILLED.
        final: its final metrics.
        diverged: whether it failed because training diverged: it would diverge again.
        pruned: whether it has FINISHED because it was pruned: it has no results.
    """

    status: str
    time: int
    error: str = ""
    final: dict[str, float] = field(default_factory=dict)
    diverged: bool = False
    pruned: bool = False

    @property
    def state(self) -> State:
        """Of the run."""
        return run_state(self.status, State.pruned if self.pruned else None)


@dataclass(frozen=True)
class Created:
    """Written by who sends: the store has created the run. Not to be delivered."""

    run_id: str


@dataclass(frozen=True)
class Sent:
    """Written by who sends: the store has so many records, from the first one on. Not to be delivered."""

    count: int


Deliverable = Begin | Params | Input | Tags | Description | Points | Artifact | Model | End
Record = Deliverable | Created | Sent
_KINDS: Mapping[str, type[Record]] = {kind.__name__.lower(): kind for kind in get_args(Record)}


def to_line(record: Record) -> str:
    """Return the record as a line of JSON, without the line break."""
    return json.dumps({"op": type(record).__name__.lower(), **asdict(record)})


def from_line(line: str) -> Record:
    """Return the record of a line. Raises JournalError."""
    try:
        values = json.loads(line)
        return _KINDS[values.pop("op")](**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise JournalError(f"{line[:80]!r} is no record of a journal ({error})") from error

"""Everything that a store has of a run, so that two stores can be compared."""

import hashlib
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from mlflow.entities import DatasetInput, Run

from mlplab.store.histories import SIDE_BY_SIDE, find_histories
from mlplab.store.server_routes import Point
from mlplab.store.store import Store
from mlplab.store.uri import is_server

A = TypeVar("A")
B = TypeVar("B")
Value = tuple[str, int, int, float]  # of a metric: key, step, milliseconds since 1970, value
InputKey = tuple[str, str, tuple[tuple[str, str], ...]]  # name and digest of a data set, and the tags of its use


@dataclass(frozen=True)
class Content:
    """What a store has of one run.

    Attributes:
        end: milliseconds since 1970; None if it has not ended.
        models: ids and steps of the logged models that it made, and of those that it used (step None).
        files: the SHA-256 of every artifact, by its path.
    """

    status: str
    start: int
    end: int | None
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    points: frozenset[Value] = frozenset()
    inputs: Mapping[InputKey, DatasetInput] = field(default_factory=dict)
    models: frozenset[tuple[str, int | None]] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict)


def read_contents(
    store: Store, run_ids: Sequence[str], folder: Path, adapt: Callable[[Path], None] | None = None
) -> dict[str, Content]:
    """Return what the store has of these runs, by run id, and leave their artifacts in ``folder``/ID.

    Args:
        store: has the runs.
        run_ids: of the runs.
        folder: an empty one.
        adapt: changes the artifacts of a run, in its folder, before their digests are taken.

    Raises:
        StoreError: the store does not answer.
    """

    def digests(run_id: str) -> dict[str, str]:
        own = folder / run_id
        own.mkdir()
        if store.client.list_artifacts(run_id):
            store.client.download_artifacts(run_id, "", str(own))
        if adapt is not None:
            adapt(own)
        return digests_of(own)

    runs = store.find(run_ids)
    points: dict[str, set[Value]] = defaultdict(set)
    for point in find_histories(store, run_ids, names={key for run in runs for key in run.data.metrics}):
        points[point.run_id].add(_value(point))
    with store.explaining():
        files = side_by_side(store, digests, [run.info.run_id for run in runs])
    return {
        run.info.run_id: _content(run, frozenset(points[run.info.run_id]), own)
        for run, own in zip(runs, files, strict=True)
    }


def side_by_side(store: Store, function: Callable[[A], B], arguments: Iterable[A]) -> list[B]:
    """Return what the function returns for each; on a server several at a time. Raise what it raises."""
    if not is_server(store.uri):  # a file takes one writer at a time
        return [function(argument) for argument in arguments]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return list(pool.map(function, arguments))


def digests_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below the folder, by its path there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                found[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def differences(wanted: Content, found: Content) -> list[str]:
    """Return what differs, in words; tags that only ``found`` has are no difference."""
    said = [
        f"{what} is {there} instead of {here}"
        for what, here, there in (
            ("status", wanted.status, found.status),
            ("start", wanted.start, found.start),
            ("end", wanted.end, found.end),
        )
        if here != there
    ]
    tags = {key: value for key, value in found.tags.items() if key in wanted.tags}
    if wanted.points != found.points:
        said.append(f"{len(found.points):,} points instead of {len(wanted.points):,}, or others")
    for what, here, there in (
        ("param", wanted.params, found.params), ("tag", wanted.tags, tags), ("artifact", wanted.files, found.files),
    ):  # fmt: skip
        said += [f"{what} {key}" for key in sorted(here.keys() | there.keys()) if here.get(key) != there.get(key)]
    if wanted.inputs.keys() != found.inputs.keys():
        said.append("data sets")
    if wanted.models != found.models:
        said.append("logged models")
    return said


def _content(run: Run, points: frozenset[Value], files: Mapping[str, str]) -> Content:
    info, inputs, outputs = run.info, run.inputs, run.outputs
    used = {(model.model_id, None) for model in (inputs.model_inputs if inputs else [])}
    made = {(model.model_id, model.step) for model in (outputs.model_outputs if outputs else [])}
    return Content(
        info.status,
        info.start_time,
        info.end_time,
        run.data.params,
        run.data.tags,
        points,
        {_input_key(one): one for one in (inputs.dataset_inputs if inputs else [])},
        frozenset(used | made),
        files,
    )


def _input_key(one: DatasetInput) -> InputKey:
    return one.dataset.name, one.dataset.digest, tuple(sorted((tag.key, tag.value) for tag in one.tags))


def _value(point: Point) -> Value:
    # One object for every NaN, so that it equals itself; and infinity as a database of MLflow's has it.
    most = sys.float_info.max
    value = math.nan if math.isnan(point.value) else max(-most, min(most, point.value))
    return point.key, point.step, point.timestamp, value

"""Every logged value of many runs, by the quickest way that the store has."""

import logging
import math
import sqlite3
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from mlplab.store import server_routes
from mlplab.store.server_routes import Point, UnexpectedAnswerError
from mlplab.store.store import Store
from mlplab.store.uri import is_server, sqlite_path

log = logging.getLogger(__name__)

CHUNK = 500  # SQLite takes at most 999 values in one statement
SIDE_BY_SIDE = 4  # requests: more do not help a server, by default of four processes


def find_histories(
    store: Store,
    run_ids: Sequence[str],
    beginnings: Sequence[str] = ("",),
    names: Iterable[str] | None = None,
) -> list[Point]:
    """Return the points of these runs' metrics whose names begin with one of ``beginnings``, in no order.

    From a SQLite file at once, read-only; from a server a metric of many runs at a time; elsewhere, and where these
    are not as we know them, through MLflow's client: a request for each run and metric.

    Args:
        store: has the runs.
        run_ids: of the runs.
        beginnings: of names of metrics.
        names: all metrics that any of the runs has, where they are known: a server need not be asked for them.

    Raises:
        StoreError: the store does not answer.
    """
    path = sqlite_path(store.uri)
    try:
        if path is not None:
            return _from_file(path, run_ids, beginnings)
        if is_server(store.uri):
            return _from_server(store, run_ids, beginnings, names)
    except (sqlite3.Error, UnexpectedAnswerError) as error:
        log.info("points are read through MLflow's client, which takes longer (%s)", error)
    return [point for run_id in run_ids for point in _from_client(store, run_id, beginnings)]


def _from_file(path: str, run_ids: Sequence[str], beginnings: Sequence[str]) -> list[Point]:
    """Return the points from MLflow's own table: a thousand histories take 0.07 s, through its client 4 s."""
    begins = " OR ".join(["substr(key, 1, ?) = ?"] * len(beginnings))
    values = [value for text in beginnings for value in (len(text), text)]
    rows: list[tuple[str, str, int, float | None, int]] = []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        for start in range(0, len(run_ids), CHUNK):
            chunk = run_ids[start : start + CHUNK]
            marks = ",".join("?" * len(chunk))
            statement = (  # what is put together here are question marks alone
                "SELECT run_uuid, key, step, CASE WHEN is_nan THEN NULL ELSE value END, timestamp "
                f"FROM metrics WHERE run_uuid IN ({marks}) AND ({begins})"
            )
            rows += connection.execute(statement, [*chunk, *values]).fetchall()
    return [Point(run, key, step, math.nan if value is None else value, at) for run, key, step, value, at in rows]


def _from_server(
    store: Store, run_ids: Sequence[str], beginnings: Sequence[str], names: Iterable[str] | None
) -> list[Point]:
    if names is None:
        names = {key for run in store.find(run_ids) for key in run.data.metrics}
    keys = [key for key in names if key.startswith(tuple(beginnings))]
    most = server_routes.RUNS_AT_ONCE
    orders = [(key, run_ids[start : start + most]) for key in keys for start in range(0, len(run_ids), most)]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        answers = pool.map(lambda order: server_routes.get_history_bulk(store.uri, order[1], order[0]), orders)
        return [point for answer in answers for point in answer]


def _from_client(store: Store, run_id: str, beginnings: Sequence[str]) -> list[Point]:
    return [
        Point(run_id, point.key, point.step, point.value, point.timestamp)
        for point in store.points(run_id, beginnings)
    ]

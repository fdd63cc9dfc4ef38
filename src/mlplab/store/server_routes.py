"""What MLflow's server answers on the routes of its own page: in bulk what its client asks for one by one.

The one place that knows these routes. They are no public interface: for sixty runs of fourteen metrics the client
needs 900 requests, these routes fourteen, and one more for each file. An answer that is not as we know it is an
UnexpectedAnswerError, upon which the caller takes the public client.
"""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlparse

import requests
from mlflow.exceptions import MlflowException
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request

_HISTORY = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
_ARTIFACT = "/api/2.0/mlflow-artifacts/artifacts"
PROXIED = "mlflow-artifacts"  # scheme of artifacts that the server itself hands out
RUNS_AT_ONCE = 90  # the server takes 100, but Gunicorn before it an address of at most 4,094 characters
MOST_POINTS = 25_000  # in one answer, and not a word on what is left out


class Point(NamedTuple):
    """A logged value; the timestamp is in milliseconds since 1970."""

    run_id: str
    key: str
    step: int
    value: float
    timestamp: int


class UnexpectedAnswerError(Exception):
    """The server does not know the route, or answers otherwise than the versions that we know."""


def get_history_bulk(uri: str, run_ids: Sequence[str], key: str) -> list[Point]:
    """Return the points of one metric of up to RUNS_AT_ONCE runs.

    Raises:
        UnexpectedAnswerError: also where one answer does not hold all points of a single run.
    """
    asked = [("metric_key", key), *(("run_id", run_id) for run_id in run_ids)]
    answer = _get(uri, _HISTORY, asked)
    try:
        points = [
            Point(row["run_id"], row["key"], int(row["step"]), float(row["value"]), int(row["timestamp"]))
            for row in answer.json()["metrics"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise UnexpectedAnswerError(f"{_HISTORY}: {error!r}") from error
    if {(point.run_id, point.key) for point in points} - {(run_id, key) for run_id in run_ids}:
        raise UnexpectedAnswerError(f"{_HISTORY}: points that nobody asked for")
    if len(points) < MOST_POINTS:
        return points
    if len(run_ids) == 1:
        raise UnexpectedAnswerError(f"{_HISTORY}: run {run_ids[0]} has more than {MOST_POINTS} points of {key}")
    middle = len(run_ids) // 2
    return [*get_history_bulk(uri, run_ids[:middle], key), *get_history_bulk(uri, run_ids[middle:], key)]


def get_artifact(uri: str, folder_uri: str, name: str) -> str:
    """Return a text file from a run's folder, which the server hands out. Raises UnexpectedAnswerError."""
    folder = urlparse(folder_uri)
    if folder.scheme != PROXIED or folder.netloc:
        raise UnexpectedAnswerError(f"{folder_uri}: is not this server's")
    answer = _get(uri, f"{_ARTIFACT}{folder.path}/{name}", [])
    return answer.content.decode(errors="replace")


def _get(uri: str, route: str, asked: Sequence[tuple[str, str]]) -> requests.Response:
    """Ask as MLflow's client does: with its credentials, certificates and time limits; but only once."""
    try:
        credentials = get_default_host_creds(uri)  # type: ignore[no-untyped-call]
        answer: requests.Response = http_request(credentials, route, "GET", params=asked, max_retries=0)  # type: ignore[no-untyped-call]
    except (MlflowException, requests.RequestException) as error:
        raise UnexpectedAnswerError(f"{route}: {error}") from error
    if answer.status_code != requests.codes.ok:
        raise UnexpectedAnswerError(f"{route}: status {answer.status_code}")
    return answer

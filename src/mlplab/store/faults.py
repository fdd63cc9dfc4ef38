"""Why a store did not take something: it is away and will be back, or it refuses until somebody mends something."""

import errno
import re
import sqlite3
from http import HTTPStatus

import requests
from mlflow.exceptions import InvalidUrlException, MlflowException
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from mlplab.errors import StoreAwayError, StoreError
from mlplab.store.uri import DEFAULT_URI, SQLITE, is_server, public

STORE_ERRORS = (
    MlflowException, SQLAlchemyError, sqlite3.Error, requests.RequestException, ImportError, OSError,
)  # fmt: skip
_NO_SERVER = (
    "Start the server, correct tracking.uri or MLFLOW_TRACKING_URI, or leave both out to track in "
    f"{DEFAULT_URI.removeprefix(SQLITE)}"
)
_REMEDIES: dict[int, str] = {  # by the status of the answer
    HTTPStatus.UNAUTHORIZED: "Give a user and a password: MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
    "both in tracking.uri",
    HTTPStatus.FORBIDDEN: "Ask whoever runs the server for the right to write there, or take another experiment: "
    "tracking.experiment=NAME",
}
_DELETED = "must be in the 'active' state"  # as MLflow says it of a run
_BUSY = "database is locked"
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EIO)


def explained(uri: str, error: Exception) -> StoreError:
    """Return the error as a StoreAwayError or a StoreError, with one message that names the remedy."""
    if isinstance(error, StoreError):
        return error
    if is_away(uri, error):
        return StoreAwayError(f"tracking.uri={public(uri)}: does not answer ({reason_of(error)})")
    what = f"tracking.uri={public(uri)}: MLflow's store cannot be used ({reason_of(error)})"
    if _DELETED in str(error):
        return StoreError(f"{what}. Restore it there: mlflow runs restore --run-id ID")
    if "disk is full" in str(error) or (isinstance(error, OSError) and error.errno in _DISK_ERRORS):
        return StoreError(f"{what}. Free space there, or make it writable")
    if uri.startswith(SQLITE):
        return StoreError(f"{what}. Make the file and its folder readable and writable, or take another file")
    remedy = _REMEDIES.get(_status_of(error) or 0, _NO_SERVER)
    return StoreError(f"{what}. {remedy}")


def _status_of(error: Exception) -> int | None:
    """Return the status with which a server answered; None if there was no answer."""
    if isinstance(error, MlflowException) and not isinstance(error, InvalidUrlException):
        return int(error.get_http_status_code())  # type: ignore[no-untyped-call]
    if isinstance(error, requests.RequestException) and error.response is not None:
        return error.response.status_code
    return None


def is_away(uri: str, error: Exception) -> bool:
    """Tell whether the same may succeed later without anybody mending anything."""
    if isinstance(error, StoreError):
        return isinstance(error, StoreAwayError)
    if _BUSY in str(error):
        return True
    if uri.startswith(SQLITE):
        return False
    if isinstance(error, MlflowException):
        return not isinstance(error, InvalidUrlException) and _is_passing(
            error.get_http_status_code()  # type: ignore[no-untyped-call]
        )
    if isinstance(error, requests.RequestException):
        if isinstance(error, ValueError) and not isinstance(error, requests.JSONDecodeError):  # an invalid address
            return False
        return error.response is None or _is_passing(error.response.status_code)
    if isinstance(error, OSError):
        return isinstance(error, ConnectionError | TimeoutError)
    if isinstance(error, SQLAlchemyError):
        return isinstance(error, OperationalError)
    return is_server(uri) and not isinstance(error, ImportError)


def _is_passing(status: int) -> bool:
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in (
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.REQUEST_TIMEOUT,
        499,  # MLflow's status of a request that was cancelled
    )


def reason_of(error: Exception) -> str:
    """Return the cause in a few words, without a password: an error of a connection has many lines."""
    text = public(str(error))
    system_error = re.search(r"\[Errno -?\d+\] [^'\")]+('[^']*')?", text)
    if system_error:
        return system_error[0]
    database_error = re.search(r"\(sqlite3\.\w+\) ([^\n]+)", text)  # the lines around it are SQLAlchemy's
    if database_error:
        return database_error[1]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__

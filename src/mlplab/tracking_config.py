"""The part of the config that says where, and under which names, runs are remembered."""

import re
from dataclasses import dataclass
from math import inf
from typing import Optional
from urllib.parse import quote

from mlplab.checks import require


@dataclass
class TrackingConfig:
    """Where, and under which names, MLflow remembers the run."""

    uri: Optional[str]  # noqa: UP045
    experiment: str
    sweep: Optional[str]  # noqa: UP045
    job: Optional[int]  # noqa: UP045
    run_name: Optional[str]  # noqa: UP045
    offline: bool = False
    color: Optional[str] = None  # noqa: UP045
    heartbeat_seconds: float = 15.0
    lease_seconds: float = 60.0
    checkpoints: bool = False

    def __post_init__(self) -> None:
        require(
            "tracking.experiment",
            self.experiment,
            bool(self.experiment.strip()) and len(quote(self.experiment, safe="")) <= 250,
            "takes a name of up to 250 characters (others than letters and digits count several times), "
            "such as mlplab",
        )
        check_uri(self.uri)
        require("tracking.job", self.job, self.job is None or self.job >= 0, "takes a number, 0 or more")
        require(
            "tracking.experiment",
            self.experiment,
            self.experiment not in (".", ".."),
            "takes a name, such as mlplab, and no folder: the runs' files lie in one of this name",
        )
        require(
            "tracking.color",
            self.color,
            self.color is None or re.fullmatch("#[0-9a-fA-F]{6}", self.color) is not None,
            "takes a colour such as '#0072B2'",
        )
        require(
            "tracking.heartbeat_seconds",
            self.heartbeat_seconds,
            1 <= self.heartbeat_seconds < inf,
            "takes seconds, at least 1",
        )
        require(
            "tracking.lease_seconds",
            self.lease_seconds,
            3 * self.heartbeat_seconds <= self.lease_seconds < inf,
            f"takes at least three times tracking.heartbeat_seconds={self.heartbeat_seconds:g}: one may come late",
        )
        require(
            "tracking.sweep",
            self.sweep,
            self.sweep is None or not set(self.sweep) & set("'\"`"),
            "takes a name without quotation marks: MLflow could not search for it",
        )


def check_uri(uri: str | None) -> None:
    """Raise ConfigError for the URI of a store that MLflow does not have, or that forgets its runs."""
    scheme, separator, rest = (uri or "").partition("://")
    kind = scheme.partition("+")[0]
    require(
        "tracking.uri",
        uri,
        kind != "sqlite" or (rest not in ("", "/") and ":memory:" not in rest and "mode=memory" not in rest),
        "is a store in memory, which forgets every run; leave it out, or write sqlite:////FOLDER/mlflow.db",
    )
    known = kind in ("sqlite", "http", "https", "postgresql", "mysql", "mssql") and bool(separator)
    require(
        "tracking.uri",
        uri,
        not uri or known,
        "is no store of MLflow; leave it out, or write sqlite:////FOLDER/mlflow.db, or a server's http://HOST:PORT",
    )

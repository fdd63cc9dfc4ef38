"""What identifies a run: the fingerprint of all that determines its result, its code and its libraries."""

import getpass
import hashlib
import json
import platform
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from mlplab.config import TrainConfig
from mlplab.flat_config import flatten
from mlplab.network_config import MLP, TARGET_KEY
from mlplab.paths import CHECKOUT, PROJECT_ROOT
from mlplab.schema import GIT_COMMIT_TAG, GIT_DIRTY_TAG, HOST_TAG, PROJECT_TAG, THREADS_TAG, USER_TAG, VERSION_TAG

_PACKAGE = Path(__file__).resolve().parents[1]
# Of training/, diagnostics only look, and a checkpoint keeps what others computed: neither changes a result.
COMPUTING_CODE = (
    "data", "engines", "scratch", "training/judge.py", "training/loop.py", "training/measuring.py",
    "training/schedule.py", "training/streams.py",
)  # fmt: skip
# The run's names in MLflow and the diagnostics do not change its result; the data's digest represents all data keys.
_NOT_DETERMINING = ("tracking.", "data.", "diagnostics")


def fingerprint(config: TrainConfig, data_digest: str, libraries: Sequence[str], own_source: str | None = None) -> str:
    """Return 32 hexadecimal digits: runs with the same digits compute the same result.

    The hash covers the hyperparameters, the data's digest, the source files that compute, and the versions of the
    ``libraries`` that compute; where the network is not the mlp, ``own_source`` is a digest of its source.
    (Results agree to the last bit on the same machine with as many threads.)
    """
    own = {} if own_source is None else {"network": own_source}
    return fingerprint_of({**flatten(config), **own}, data_digest, libraries)


def fingerprint_of(values: Mapping[str, Any], data_digest: str, libraries: Sequence[str]) -> str:
    """Return the fingerprint of a config in the form that :func:`mlplab.flat_config.flatten` returns."""
    determining = {key: value for key, value in values.items() if not key.startswith(_NOT_DETERMINING)}
    if determining.get(TARGET_KEY) == MLP:  # runs from before there was another network have the same parts
        del determining[TARGET_KEY]
    parts = [determining, data_digest, code_digest(), versions(libraries)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def versions(libraries: Sequence[str]) -> dict[str, str]:
    """Return the versions of installed packages, by name."""
    return {name: version(name) for name in libraries}


def version_tags(libraries: Sequence[str]) -> dict[str, str]:
    """Return the tags with the versions of Python, of these libraries, and of those that record a run."""
    recording = ("mlflow", "hydra-core", "omegaconf", "scikit-learn", "matplotlib")
    numbers = {"python": platform.python_version(), **versions(libraries), **versions(recording)}
    return {f"{VERSION_TAG}{name}": number for name, number in numbers.items()}


def owner_tags() -> dict[str, str]:
    """Return the tags that say whose run it is: who ran it, in which project."""
    return {USER_TAG: getpass.getuser(), PROJECT_TAG: str(PROJECT_ROOT)}


def is_own(tags: Mapping[str, str]) -> bool:
    """Tell whether a run with these tags is of this user and project; older ones do not name their project.

    A project whose folder is no longer on this machine was moved: perhaps to here.
    """
    own = owner_tags()
    project = tags.get(PROJECT_TAG, own[PROJECT_TAG])
    was_moved = tags.get(HOST_TAG) == socket.gethostname() and not Path(project).exists()
    return tags.get(USER_TAG) == own[USER_TAG] and (project == own[PROJECT_TAG] or was_moved)


def origin_tags(git: "GitState | None") -> dict[str, str]:
    """Return the tags that say who ran what: MLflow's own, which its page shows, and the state of the checkout."""
    tags = {
        **owner_tags(),
        "mlflow.source.name": Path(sys.argv[0]).name,
        "mlflow.source.type": "LOCAL",
        THREADS_TAG: str(count_threads()),
    }
    if git:
        tags |= {
            GIT_COMMIT_TAG: git.commit,
            GIT_DIRTY_TAG: str(git.dirty).lower(),
            "mlflow.source.git.commit": git.commit,
        }
    return tags


def count_threads() -> int:
    """Return how many threads the matrix products of the libraries that are loaded use."""
    return max((int(pool["num_threads"]) for pool in threadpool_info()), default=1)


@cache  # of the code as this process has imported it, even if a file changes later
def code_digest() -> str:
    """Return a hash of the source files that compute."""
    hasher = hashlib.sha256()
    for place in COMPUTING_CODE:
        path = _PACKAGE / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            hasher.update(file.relative_to(_PACKAGE).as_posix().encode())
            hasher.update(file.read_bytes())
    return hasher.hexdigest()


@dataclass(frozen=True)
class GitState:
    """The checked-out commit, whether files differ from it (dirty), and how (diff)."""

    commit: str
    dirty: bool
    diff: str

    @classmethod
    def read(cls) -> "GitState | None":
        """Return the state of the checkout; None if the code lies in none, or git is not installed."""
        if CHECKOUT is None:
            return None
        try:
            if Path(_git("rev-parse", "--show-toplevel").strip()) != CHECKOUT:
                return None  # this project lies inside another repository
            status = _git("status", "--porcelain")
            commit = _git("rev-parse", "HEAD").strip()
            changed = "".join(f"# {line}\n" for line in status.splitlines())  # names untracked files, too
            return cls(commit, bool(status), changed + _git("diff", "--binary", "HEAD") if status else "")
        except (OSError, subprocess.CalledProcessError):
            return None


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(CHECKOUT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=True).stdout

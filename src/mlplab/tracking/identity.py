"""What a run is: a fingerprint of all that determines its result, and the code and libraries it came from."""

import hashlib
import json
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from mlplab.composition import PROJECT_ROOT
from mlplab.config import Engine, TrainConfig, flatten

_PACKAGE = Path(__file__).resolve().parents[1]
_COMPUTING_CODE = ("data", "engines", "scratch", "training.py")
# Where the data lies and under which name a run is kept do not change its result; the data's digest stands for it.
_NOT_DETERMINING = ("tracking.", "data.root", "data.name")


def fingerprint(config: TrainConfig, data_digest: str) -> str:
    """Return 32 hexadecimal digits: the same for two runs exactly if nothing that determines their result differs.

    Hashed are the hyperparameters, the data's digest, the source files that compute, and the versions of the
    libraries that compute.
    """
    determining = {key: value for key, value in flatten(config).items() if not key.startswith(_NOT_DETERMINING)}
    parts = [determining, data_digest, _code_digest(), _computing_versions(config)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def versions(config: TrainConfig) -> dict[str, str]:
    """Return the versions of Python and of the libraries that a run's result or record depends on."""
    names = ["mlflow", "hydra-core", "omegaconf", "scikit-learn", "matplotlib"]
    return {
        "python": platform.python_version(),
        **_computing_versions(config),
        **{name: version(name) for name in names},
    }


def _computing_versions(config: TrainConfig) -> dict[str, str]:
    names = ["numpy", "torch"] if config.engine is Engine.torch else ["numpy"]
    return {name: version(name) for name in names}


def _code_digest() -> str:
    hasher = hashlib.sha256()
    for place in _COMPUTING_CODE:
        path = _PACKAGE / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            hasher.update(file.relative_to(_PACKAGE).as_posix().encode())
            hasher.update(file.read_bytes())
    return hasher.hexdigest()


@dataclass(frozen=True)
class GitState:
    """The commit that the project stands at; dirty where files differ from it, and how they do."""

    commit: str
    dirty: bool
    diff: str

    @classmethod
    def read(cls) -> "GitState | None":
        """Return the state of the project's checkout; None where it is none, or git is not installed."""
        try:
            commit = _git("rev-parse", "HEAD").strip()
            dirty = bool(_git("status", "--porcelain").strip())
            return cls(commit, dirty, _git("diff", "HEAD") if dirty else "")
        except (OSError, subprocess.CalledProcessError):
            return None


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(PROJECT_ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=True).stdout

"""What is another now than when a run was made: code, data, libraries, threads, machine, and what was asked for."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlplab.config import TrainConfig
from mlplab.errors import DataError
from mlplab.flat_config import flatten
from mlplab.paths import CHECKOUT
from mlplab.rerun.recorded import Recorded
from mlplab.schema import (
    ATEN_TAG,
    BLAS_TAG,
    CODE_TAG,
    CPU_TAG,
    FINGERPRINT_TAG,
    GIT_COMMIT_TAG,
    GIT_DIRTY_TAG,
    GPU_TAG,
    NETWORK_CODE_TAG,
    THREADS_TAG,
    VERSION_TAG,
)
from mlplab.tracking.identity import COMPUTING_CODE

_WORDS = {
    THREADS_TAG: "threads", BLAS_TAG: "BLAS kernel", ATEN_TAG: "PyTorch's kernels", CPU_TAG: "CPU", GPU_TAG: "GPU",
    NETWORK_CODE_TAG: "the network's code",
}  # fmt: skip
_NOT_RECORDED = "not recorded"
_MOST_FILES = 4


@dataclass(frozen=True)
class Difference:
    """One thing that is another now.

    Attributes:
        what: in words.
        then, now: its values.
        explains: whether it may change a result.
        on_purpose: whether it was asked for.
    """

    what: str
    then: str
    now: str
    explains: bool = True
    on_purpose: bool = False

    @property
    def was_recorded(self) -> bool:
        """Whether the original says anything of it."""
        return self.then != _NOT_RECORDED

    def __str__(self) -> str:
        purpose = ", on purpose" if self.on_purpose else ""
        return f"{self.what}: {self.then} then, {self.now} now{purpose}"


def find_differences(
    before: Mapping[str, str], after: Mapping[str, str], libraries: Sequence[str]
) -> list[Difference]:
    """Return what is another now, by the tags of both runs.

    Args:
        before: tags of the original.
        after: of the other run, or those that it will have.
        libraries: that compute it.
    """
    versions = [f"{VERSION_TAG}{name}" for name in ("python", *libraries)]
    found = list(_of_the_code(before, after))
    for name in [*_WORDS, *versions]:
        was, is_now = before.get(name), after.get(name)
        if was != is_now and is_now is not None:
            found.append(Difference(_WORDS.get(name) or name.removeprefix(VERSION_TAG), was or _NOT_RECORDED, is_now))
    return found


def asked_for(then: TrainConfig, now: TrainConfig) -> Iterator[Difference]:
    """Yield the keys that are others on purpose."""
    before, after = flatten(then), flatten(now)
    for key in before | after:
        was, is_now = (str(one.get(key, "none")) for one in (before, after))
        if was != is_now and not key.startswith("tracking."):
            yield Difference(key, was, is_now, on_purpose=True)


def _of_the_code(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    if FINGERPRINT_TAG not in after:  # the code of then runs again
        return
    was, is_now = (_commit(tags.get(GIT_COMMIT_TAG), tags.get(GIT_DIRTY_TAG)) for tags in (before, after))
    # Older runs have no digest of their code alone; where the whole fingerprint is the same, so is the code.
    tag = CODE_TAG if CODE_TAG in before else FINGERPRINT_TAG
    if before.get(tag) == after[tag]:
        if was != is_now:
            yield Difference("commit (the code that computes is the same)", was, is_now, explains=False)
        return
    files = _changed_files(before.get(GIT_COMMIT_TAG))
    if tag == CODE_TAG:
        was, is_now = f"{before[tag][:8]} of {was}", f"{after[tag][:8]} of {is_now}"
    if tag == CODE_TAG or files != "":  # otherwise git says that no file differs: something else does
        yield Difference(f"code that computes ({files})" if files else "code that computes", was, is_now)


def _commit(commit: str | None, dirty: str | None) -> str:
    if commit is None:
        return "no commit"
    return f"commit {commit[:7]}{' with changes' if dirty == 'true' else ''}"


def _changed_files(commit: str | None) -> str | None:
    """Return which files that compute differ from those of a commit, in words; None where git cannot tell."""
    if commit is None or CHECKOUT is None:
        return None
    places = [f"src/mlplab/{place}" for place in COMPUTING_CODE]
    command = ["git", "-C", str(CHECKOUT), "diff", "--name-only", "--end-of-options", commit, "--", *places]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    files = [line.removeprefix("src/mlplab/") for line in done.stdout.splitlines()]
    return ", ".join(files[:_MOST_FILES]) + (
        f" and {len(files) - _MOST_FILES} more" if len(files) > _MOST_FILES else ""
    )


def require_same_digest(recorded: Recorded, data: Mapping[str, Any], digest: str | None) -> None:
    """Raise DataError if the data has another digest than what the run trained on: a result would say nothing."""
    if None not in (recorded.digest, digest) and recorded.digest != digest:
        where = data.get("path") or data.get("root")
        raise DataError(
            f"data={data.get('name')}: has the digest {digest}, and had {recorded.digest} in run {recorded.run_id}; "
            f"bring back what {where} was then, or train anew"
        )

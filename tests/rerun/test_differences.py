"""What is another now than then, by the tags of two runs."""

import pytest

from mlplab.engines.registry import ENGINES
from mlplab.rerun.differences import find_differences
from mlplab.schema import ATEN_TAG, BLAS_TAG, CODE_TAG, CPU_TAG, FINGERPRINT_TAG, GPU_TAG, THREADS_TAG

TAGS = {
    FINGERPRINT_TAG: "f" * 32, CODE_TAG: "c" * 64, THREADS_TAG: "2", BLAS_TAG: "openblas 1 Haswell", CPU_TAG: "one",
    ATEN_TAG: "AVX2", GPU_TAG: "some", "git.commit": "a" * 40, "git.dirty": "false", "version.python": "3.11.1",
    **{f"version.{name}": "1" for entry in ENGINES.values() for name in entry.libraries},
}  # fmt: skip
LIBRARIES = sorted({name for entry in ENGINES.values() for name in entry.libraries})


def test_between_equal_tags_nothing_differs() -> None:
    assert find_differences(TAGS, TAGS, LIBRARIES) == []


@pytest.mark.parametrize("tag", [name for name in TAGS if name not in (FINGERPRINT_TAG, "git.commit", "git.dirty")])
def test_every_recorded_tag_that_is_another_explains_a_difference(tag: str) -> None:
    (found,) = find_differences(TAGS, {**TAGS, tag: "other"}, LIBRARIES)
    assert found.explains
    assert "other" in str(found)


def test_another_commit_with_the_same_code_explains_nothing() -> None:
    (found,) = find_differences(TAGS, {**TAGS, "git.commit": "b" * 40}, LIBRARIES)
    assert not found.explains
    assert str(found) == "commit (the code that computes is the same): commit aaaaaaa then, commit bbbbbbb now"


def test_what_an_older_run_did_not_record_may_be_another() -> None:
    older = {name: value for name, value in TAGS.items() if name not in (BLAS_TAG, CPU_TAG, CODE_TAG)}
    assert [str(one) for one in find_differences(older, TAGS, LIBRARIES)] == [
        "BLAS kernel: not recorded then, openblas 1 Haswell now",
        "CPU: not recorded then, one now",
    ]
    (code, *_) = find_differences(older, {**TAGS, FINGERPRINT_TAG: "e" * 32}, LIBRARIES)
    assert code.what.startswith("code that computes")
